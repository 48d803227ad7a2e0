// The playbook itself: its name, what it is for, how much it logs, how long and how often it may run.
import { html } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Choice, Field } from "./fields.js";
import { Head } from "./panel.js";

const put = (path, value) => desk.edit([{ op: "set", path, value }]);
const LEVELS = ["error", "warn", "info", "debug", "trace"];

export function SettingsPanel() {
  const settings = useDesk((state) => state.sketch.settings);
  const problems = useDesk((state) => state.problems);
  const writable = useDesk((state) => state.info.may.write);
  const at = (field) => problems.filter((each) => each.step === null && each.field === field);
  const common = { disabled: !writable };
  const limits = settings.limits ?? {};
  return html`<div className="form">
    <${Head} icon="settings-2" title="Settings" about="Of the whole playbook" />
    <${Field} ...${common} name="name" required value=${settings.name} schema=${{ type: "string", description: "Unique in the organization." }} problems=${at("name")} onChange=${(value) => put(["name"], value ?? "")} />
    <${Field} ...${common} name="description" value=${settings.description} schema=${{ type: "string", description: "What it is for." }} problems=${at("description")} onChange=${(value) => put(["description"], value)} />
    <div className="field"><label htmlFor="settings-level">Log level</label><${Choice} id="settings-level" disabled=${!writable} required values=${LEVELS} words=${Object.fromEntries(LEVELS.map((each) => [each, each.toUpperCase()]))} value=${settings.log_level ?? "info"} onChange=${(value) => put(["log_level"], value)} />
      <p className="hint">TRACE keeps every line of every step.</p></div>
    <${Field} ...${common} name="timeout" label="A run takes at most" value=${settings.timeout} schema=${{ type: "string", examples: ["4 h"], description: "From its start." }} problems=${at("timeout")} onChange=${(value) => put(["timeout"], value)} />
    <div className="two"><${Field} ...${common} name="concurrent" label="Runs at once" value=${limits.concurrent} schema=${{ type: "integer", description: "At most; without it, any number." }} problems=${at("limits.concurrent")} onChange=${(value) => put(["limits", "concurrent"], value)} />
      <${Field} ...${common} name="minutes_saved" label="Minutes saved" value=${settings.minutes_saved} schema=${{ type: "number", description: "By a run that succeeds." }} problems=${at("minutes_saved")} onChange=${(value) => put(["minutes_saved"], value)} /></div>
    ${settings.kind === "component" && html`<p className="hint">Inputs and outputs of a component are written in the YAML tab.</p>`}
  </div>`;
}
