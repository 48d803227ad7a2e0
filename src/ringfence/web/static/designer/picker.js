// On which past alert values are previewed.
import { ask, html, useEffect, useState } from "./base.js";
import { useDesk } from "./desk.js";
import { choose, useSample } from "./sample.js";

export function useSubjects() {
  const [found, setFound] = useState({ alerts: [], profiles: [] });
  useEffect(() => {
    let wanted = true;
    ask("/subjects").then((said) => wanted && setFound(said), () => {});
    return () => {
      wanted = false;
    };
  }, []);
  return found;
}

export const subjectOf = (value) => {
  const [kind, ...rest] = value.split(":");
  return value ? { [kind]: rest.join(":") } : {};
};

export function Subjects({ value, onChange, none, ...rest }) {
  const { alerts, profiles } = useSubjects();
  return html`<select className="input" value=${value} onChange=${(event) => onChange(event.target.value)} ...${rest}>
    <option value="">${none}</option>
    ${profiles.length > 0 && html`<optgroup label="Kept inputs">${profiles.map((each) => html`<option key=${each} value=${`profile:${each}`}>${each}</option>`)}</optgroup>`}
    ${alerts.length > 0 && html`<optgroup label="Alerts, newest first">${alerts.map((each) => html`<option key=${each.id} value=${`alert:${each.id}`}>${each.title} · ${each.severity}${each.machine ? ` · ${each.machine}` : ""}</option>`)}</optgroup>`}
  </select>`;
}

export function SamplePicker() {
  const sample = useSample();
  const trial = useDesk((state) => state.trial);
  const asked = sample?.asked ?? {};
  const value = asked.alert ? `alert:${asked.alert}` : asked.profile ? `profile:${asked.profile}` : "";
  return html`<div className="field sample"><label htmlFor="sample-on">Values are shown as on</label>
    <${Subjects} id="sample-on" value=${value} none=${sample?.on ? `the newest: ${sample.on}` : "the newest alert"} onChange=${(chosen) => choose(subjectOf(chosen))} />
    <p className="hint">${sample?.error ?? (trial ? "Of earlier steps: what the dry run here gave." : sample?.runs ? "Of earlier steps: what the latest runs gave." : "It has not run yet: make a dry run to see what steps give.")}</p></div>`;
}
