// A call of a component: which one, which version, and a field for each input that it takes.
import { ask, html, useEffect } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Choice, Field } from "./fields.js";

export const CALL = "playbook.call";
const NEWEST = "the newest; publishing writes which";
const TYPES = { list: "array" };

// The version that a step calls, as it was published; null where that is not known.
export function calledBy(step) {
  if (step.action !== CALL) return null;
  const { component, version } = step.fields.with ?? {};
  return desk.state.components?.find((each) => each.name === component && (!version || each.version === version)) ?? null;
}

let asked = null;

// What components are there: asked for once, where a call is looked at or stands before what is.
export function useComponents(wanted) {
  const known = useDesk((state) => state.components);
  useEffect(() => {
    if (wanted) asked ??= ask("/components").then((components) => desk.set({ components }), () => (asked = null));
  }, [wanted]);
  return known;
}

export function CallFields({ given, common, problems, set }) {
  const known = useComponents(true);
  const all = known ?? [];
  const names = [...new Set(all.map((each) => each.name))];
  const versions = all.filter((each) => each.name === given.component);
  const called = versions.find((each) => !given.version || each.version === given.version);
  const inputs = given.inputs ?? {};
  const put = (name, value) => desk.edit([{ op: "set", path: ["steps", common.step, "with", "inputs", name], value }]);
  const others = called ? Object.keys(inputs).filter((name) => !(name in called.inputs)) : [];
  const wrong = problems.inputs;
  const of = (name) => wrong.filter((each) => each.field === `with.inputs.${name}` || each.message.includes(`'${name}'`));
  const placed = new Set([...Object.keys(called?.inputs ?? {}), ...others].flatMap(of));
  return html`<div className="form">
    <${Picked} id="call-component" label="Component" needed hint=${called?.description || (known && !names.length ? "No component was published yet." : "")} problems=${problems.component}>
      <${Choice} id="call-component" disabled=${common.disabled} required values=${names} value=${given.component} onChange=${(value) => desk.edit([{ op: "set", path: ["steps", common.step, "with", "component"], value }, ...(given.version ? [{ op: "set", path: ["steps", common.step, "with", "version"], value: null }] : [])])} /><//>
    <${Picked} id="call-version" label="Version" hint="A newer one changes nothing that is published." problems=${problems.version}>
      <${Choice} id="call-version" disabled=${common.disabled} values=${versions.map((each) => each.version)} none=${NEWEST} value=${given.version} onChange=${(value) => set("version", value)} /><//>
    ${called ? html`<fieldset className="call-inputs"><legend className="label">Inputs</legend>
      ${Object.entries(called.inputs).map(([name, input]) => html`<${Field} key=${name} ...${common} name=${name} label=${name} required=${input.required} value=${inputs[name]} problems=${of(name)}
        schema=${{ type: TYPES[input.type] ?? input.type, description: `${input.description || "No description."} (${input.type})`, default: input.default ?? undefined }} onChange=${(value) => put(name, value)} />`)}
      ${others.map((name) => html`<${Field} key=${name} ...${common} name=${name} label=${name} value=${inputs[name]} problems=${of(name)} schema=${{ description: "The component has no such input. Empty it to remove it." }} onChange=${(value) => put(name, value)} />`)}
      ${!Object.keys(called.inputs).length && !others.length && html`<p className="hint">It takes none.</p>`}</fieldset>
      ${Object.keys(called.outputs).length > 0 && html`<div className="field"><span className="label">Gives</span><dl className="facts">${Object.entries(called.outputs).map(([name, output]) => html`<dt key=${name} className="mono">steps.${common.step}.${name}</dt><dd key=${`${name}:`}>${output.type}${output.description && `, ${output.description}`}</dd>`)}</dl></div>`}` : html`<${Field} ...${common} name="inputs" value=${given.inputs} schema=${{ type: "object", description: "By name." }} problems=${[]} onChange=${(value) => set("inputs", value)} />`}
    ${wrong.filter((each) => !placed.has(each)).map((each) => html`<p key=${each.message} className=${`wrong tone-${each.severity}`}>${each.message} ${each.advice}</p>`)}
  </div>`;
}

function Picked({ id, label, needed, hint, problems, children }) {
  return html`<div className=${`field${problems.length ? " has-problem" : ""}`}><label htmlFor=${id}>${label}${needed && html`<span className="needed"> (needed)</span>`}</label>${children}
    ${hint && html`<p className="hint">${hint}</p>`}${problems.map((each) => html`<p key=${each.message} className=${`wrong tone-${each.severity}`}>${each.message} ${each.advice}</p>`)}</div>`;
}
