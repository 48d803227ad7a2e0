// What stands beside the canvas: the step, the trigger or the playbook that is being edited.
import { Button, Icon, Said, html, useEffect, useRef, useState } from "./base.js";
import { desk, stepOf, useDesk } from "./desk.js";
import { useAction } from "./actions.js";
import { Choice, Field, useTyped } from "./fields.js";
import { EFFECTS, asEntry, iconOf, portWord } from "./words.js";
import { remove } from "./canvas.js";
import { TRIGGER } from "./layout.js";
import { TriggerPanel } from "./trigger.js";
import { SettingsPanel } from "./settings.js";
import { SamplePicker } from "./picker.js";
import { CALL, CallFields } from "./calling.js";

export function close() {
  const { editing } = desk.state;
  const name = editing?.kind === "step" ? editing.name : TRIGGER;
  desk.set({ editing: null, pane: "toolbox" });
  document.activeElement?.blur();
  desk.set({ focus: editing?.kind === "settings" ? null : name });
}

export function Panel() {
  const editing = useDesk((state) => state.editing);
  const step = useDesk((state) => (state.editing?.kind === "step" ? state.sketch.steps.find((each) => each.name === state.editing.name) : null));
  const onKeyDown = (event) => {
    if (event.key === "Escape") close();
  };
  if (!editing) return html`<p className="nothing">Double-click a step, or press Enter on it, to edit it.</p>`;
  return html`<div className="panel" onKeyDown=${onKeyDown}>
    ${editing.kind === "trigger" && html`<${TriggerPanel} />`}
    ${editing.kind === "settings" && html`<${SettingsPanel} />`}
    ${editing.kind === "step" && step && html`<${StepPanel} key=${editing.was ?? step.name} step=${step} />`}
  </div>`;
}

const set = (step, path, value) => desk.edit([{ op: "set", path: ["steps", step, ...path], value }]);

export function problemsOf(problems, step, field) {
  return problems.filter((each) => each.step === step && (each.field === field || each.field?.startsWith(`${field}.`)));
}

export function Head({ icon, effect, title, about, children }) {
  const heading = useRef(null);
  useEffect(() => {
    heading.current?.focus({ preventScroll: true });
  }, [title]);
  return html`<header className=${`panel-head effect-${effect ?? "trigger"}`}>
    <span className="step-icon"><${Icon} name=${icon} /></span>
    <div><h2 tabIndex=${-1} ref=${heading}>${title}</h2>${about && html`<p className="faint">${about}</p>`}</div>
    <span className="end">${children}<${Button} plain icon="x" label="Close (Escape)" onClick=${close} /></span></header>`;
}

function StepPanel({ step }) {
  const action = useAction(step.action);
  const problems = useDesk((state) => state.problems);
  const writable = useDesk((state) => state.info.may.write);
  const { fields } = step;
  const known = EFFECTS[step.effect];
  const given = fields.with ?? {};
  const needed = new Set(action?.inputs?.required ?? []);
  const properties = Object.entries(action?.inputs?.properties ?? {});
  const others = Object.keys(given).filter((name) => action && !action.inputs?.properties?.[name]);
  const own = problems.filter((each) => each.step === step.name);
  const placed = new Set();
  const at = (field) => {
    const found = problemsOf(own, step.name, field);
    for (const each of found) placed.add(each);
    return found;
  };
  const common = { disabled: !writable, step: step.name };
  const forms = step.action === CALL && action ? html`<${CallFields} given=${given} common=${common} problems=${{ component: at("with.component"), version: at("with.version"), inputs: at("with.inputs") }} set=${(name, value) => set(step.name, ["with", name], value)} />` : properties.map(([name, schema]) => html`<${Field} key=${name} ...${common} name=${name} schema=${schema} required=${needed.has(name)} kind=${action.kinds[name]}
    value=${given[name]} onChange=${(value) => set(step.name, ["with", name], value)} problems=${at(`with.${name}`)} />`);
  const more = others.map((name) => html`<${Field} key=${name} ...${common} name=${name} value=${given[name]} schema=${{ description: "The action has no such parameter. Empty it to remove it." }}
    onChange=${(value) => set(step.name, ["with", name], value)} problems=${at(`with.${name}`)} />`);
  const rest = html`<${When} step=${step} writable=${writable} problems=${at("after")} ifs=${at("if")} />
    <${Bounds} step=${step} common=${common} at=${at} />`;
  const loose = own.filter((each) => !placed.has(each));
  return html`<div className="form">
    <${Head} icon=${iconOf(step.action)} effect=${step.effect} title=${step.title} about=${html`<span className="mono">${step.action}</span>`}>
      ${writable && html`<${Button} plain icon="trash-2" label="Remove the step (Delete)" onClick=${() => remove([step.name])} />`}
    <//>
    ${action?.summary === undefined && action?.description && html`<p className="about"><${Said}>${action.description.split("\n\n")[0]}<//></p>`}
    ${known && html`<p className="about"><span className=${`badge tone-${known.tone}`}>${known.word}</span> ${known.about}${action?.permissions?.length ? ` It needs ${action.permissions.join(", ")}.` : ""}</p>`}
    ${loose.map((each) => html`<p key=${each.code + each.message} className=${`wrong tone-${each.severity}`}><${Said}>${`${each.message} ${each.advice}`}<//></p>`)}
    <${Name} step=${step} disabled=${!writable} />
    ${forms}${more}
    <${SamplePicker} />
    ${rest}
  </div>`;
}

function Name({ step, disabled }) {
  const { reset, ...typed } = useTyped(step.name, async (text) => {
    if (!(await desk.rename(step.name, text.trim()))) reset();
  });
  const field = useRef(null);
  useEffect(() => {
    if (desk.state.editing?.rename) field.current.select();
  }, []);
  return html`<div className="field"><label htmlFor="step-name">Name</label>
    <input id="step-name" className="input mono" maxLength=${64} pattern="[A-Za-z_][A-Za-z0-9_]*" disabled=${disabled} ...${typed} ref=${field} onKeyDown=${(event) => event.key === "Enter" && typed.onBlur()} />
    <p className="hint">Later steps see what it gives as <span className="mono">steps.${step.name}</span>; renaming renames it everywhere.</p></div>`;
}

function When({ step, writable, problems, ifs }) {
  const sketch = useDesk((state) => state.sketch);
  const coming = sketch.edges.filter((edge) => edge.target === step.name && edge.source);
  const taken = new Set(coming.map((edge) => edge.entry));
  const from = () => sketch.steps.filter((each) => each.name !== step.name).flatMap((each) => each.outcomes.map((outcome) => asEntry(each.name, outcome))).filter((entry) => !taken.has(entry));
  return html`<details className="more-fields" open><summary>When it is its turn</summary><div className="form">
    <div className="field"><span className="label">After</span>
      ${coming.length ? html`<ul className="entries">${coming.map((edge) => html`<li key=${edge.entry}><button type="button" className="linkish mono" onClick=${() => desk.set({ editing: { kind: "step", name: edge.source }, selection: [edge.source], focus: edge.source })}>${edge.entry}</button>
        ${writable && html`<${Button} plain icon="unplug" label=${`No longer after ${edge.entry}`} onClick=${() => desk.edit([{ op: "disconnect", source: edge.entry, target: step.name }])} />`}</li>`)}</ul>` : html`<p className="hint">Nothing: it begins at once.</p>`}
      ${writable && html`<${Pick} label="Let it come after" none="Let it come after …" names=${from} onPick=${(source) => desk.edit([{ op: "connect", source, target: step.name }])} />`}
      ${problems.map((each) => html`<p key=${each.message} className=${`wrong tone-${each.severity}`}><${Said}>${`${each.message} ${each.advice}`}<//></p>`)}</div>
    ${coming.length > 1 && html`<div className="field"><label htmlFor="step-join">It waits for</label><${Choice} id="step-join" disabled=${!writable} values=${["all", "any"]} words=${{ all: "all of them", any: "any one of them" }} required
      value=${step.fields.join ?? "all"} onChange=${(value) => set(step.name, ["join"], value === "all" ? null : value)} /></div>`}
    <${Field} name="if" label="Only if" kind="run_expression" disabled=${!writable} step=${step.name} value=${step.fields.if} problems=${ifs} schema=${{ description: "JMESPath over the run; where it does not hold, the step is skipped." }}
      onChange=${(value) => set(step.name, ["if"], value || null)} />
    <${Follow} step=${step} writable=${writable} />
  </div></details>`;
}

// One name of very many: they are listed when somebody goes there.
function Pick({ label, none, names, onPick }) {
  const [near, setNear] = useState(false);
  const come = () => setNear(true);
  return html`<select className="input" aria-label=${label} value="" onFocus=${come} onPointerEnter=${come} onBlur=${() => setNear(false)} onChange=${(event) => onPick(event.target.value)}>
    <option value="">${none}</option>${near && names().map((name) => html`<option key=${name} value=${name}>${name}</option>`)}</select>`;
}

// What follows, by outcome; and a list from which to connect.
function Follow({ step, writable }) {
  const sketch = useDesk((state) => state.sketch);
  const leaving = sketch.edges.filter((edge) => edge.source === step.name);
  return html`<div className="field"><span className="label">Then</span>
    ${step.outcomes.map((outcome) => {
      const to = leaving.filter((edge) => edge.outcome === outcome);
      const free = () => sketch.steps.map((each) => each.name).filter((name) => name !== step.name && !to.some((edge) => edge.target === name));
      return html`<div className="outcome" key=${outcome}><span className="tag">${outcome === "" ? "success" : portWord(outcome)}</span>
        <span className="targets">${to.map((edge) => html`<button key=${edge.target} type="button" className="linkish mono" onClick=${() => desk.set({ editing: { kind: "step", name: edge.target }, selection: [edge.target], focus: edge.target })}>${edge.target}</button>`)}</span>
        ${writable && html`<${Pick} label=${`Connect ${outcome || "success"} to`} none="Connect to …" names=${free} onPick=${(target) => desk.edit([{ op: "connect", source: asEntry(step.name, outcome), target }])} />`}</div>`;
    })}</div>`;
}

const DURATION = { type: "string", format: "duration", examples: ["30 min"] };

function Bounds({ step, common, at }) {
  const { fields, name } = step;
  const retry = fields.retry ?? {};
  const again = (key, value) => set(name, ["retry", key], value);
  const used = fields.for_each !== undefined || fields.retry || fields.timeout || fields.mask || fields.mock !== undefined;
  return html`<details className="more-fields" open=${Boolean(used)}><summary>Loop, retries and time</summary><div className="form">
    <${Field} ...${common} name="for_each" label="For each item of" value=${fields.for_each} problems=${at("for_each")} schema=${{ description: "A list; the step sees item and index." }} onChange=${(value) => set(name, ["for_each"], value)} />
    ${fields.for_each !== undefined && html`<${Field} ...${common} name="parallel" label="Items at a time" value=${fields.parallel} schema=${{ type: "integer", description: "1 to 50.", default: 1 }} problems=${at("parallel")} onChange=${(value) => set(name, ["parallel"], value)} />`}
    <${Field} ...${common} name="timeout" label="At most" value=${fields.timeout} schema=${{ ...DURATION, description: "All attempts and waits together." }} problems=${at("timeout")} onChange=${(value) => set(name, ["timeout"], value)} />
    <div className="two"><${Field} ...${common} name="attempts" label="Attempts" value=${retry.attempts} schema=${{ type: "integer", description: "How often it is tried, in all." }} problems=${at("retry")} onChange=${(value) => again("attempts", value)} />
      <${Field} ...${common} name="backoff" label="First pause" value=${retry.backoff} schema=${{ ...DURATION, description: "Each further one is twice as long." }} onChange=${(value) => again("backoff", value)} /></div>
    <${Field} ...${common} name="mask" label="Hidden fields" value=${fields.mask} schema=${{ type: "array", description: "Nobody is shown them: password, output.user.mail, input." }} problems=${at("mask")} onChange=${(value) => set(name, ["mask"], value)} />
    <${Field} ...${common} name="mock" label="Mock" value=${fields.mock} schema=${{ description: 'Pins the end in tests and dry runs: {"output": …}, {"outcome": …} or {"error": …}.' }} problems=${at("mock")} onChange=${(value) => set(name, ["mock"], value)} />
  </div></details>
  <${Note} step=${step} disabled=${common.disabled} />`;
}

function Note({ step, disabled }) {
  const { reset, ...typed } = useTyped(step.fields.note ?? "", (text) => set(step.name, ["note"], text.trim() || null));
  return html`<div className="field"><label htmlFor="step-note">Comment</label><textarea id="step-note" className="input" rows="2" disabled=${disabled} ...${typed}></textarea>
    <p className="hint">For people; it stands on the canvas.</p></div>`;
}
