// One form for every JSON Schema: each field has its own kind of input, its own words, and takes `${…}` where the language does.
import { Button, Icon, Said, html, useEffect, useId, useRef, useState } from "./base.js";
import { desk } from "./desk.js";
import { Expression } from "./expression.js";

const bare = (schema) => {
  const ways = (schema.anyOf ?? schema.oneOf ?? []).filter((each) => each.type !== "null");
  return ways.length === 1 ? { ...schema, ...ways[0] } : schema;
};
const takes = (schema, type) => schema.type === type || (schema.anyOf ?? []).some((each) => each.type === type);
const looked = (value) => typeof value === "string" && value.includes("${");

// Texts stand as they are; everything else, and texts that look like it, as JSON.
const LOOKS = /^\s*(?:[[{"]|-?\d|true$|false$|null$)/;
export const shown = (value) => (value === undefined ? "" : typeof value === "string" && !isJson(value) ? value : JSON.stringify(value));
const isJson = (text) => {
  if (!LOOKS.test(text)) return false;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};
export const meant = (text) => (isJson(text) ? JSON.parse(text) : text);

export function titleOf(name) {
  const words = name.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// A text that counts when it is left, or with Enter.
export function useTyped(value, commit) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  return {
    value: text,
    onChange: (event) => setText(event.target.value),
    onBlur: () => text !== value && commit(text),
    reset: () => setText(value),
  };
}

export function Field({ name, label, schema: given = {}, required, kind = "value", value, onChange, problems = [], disabled, step }) {
  const id = useId();
  const schema = bare(given);
  const described = `${id}-about`;
  const wrong = problems.length ? `${id}-wrong` : "";
  const common = { id, disabled, "aria-describedby": [described, wrong].filter(Boolean).join(" "), "aria-invalid": problems.some((each) => each.severity === "error") || undefined };
  return html`<div className=${`field${problems.length ? " has-problem" : ""}`}>
    <label htmlFor=${id}>${label ?? titleOf(name)}${required && html`<span className="needed"> (needed)</span>`}</label>
    <${Input} common=${common} schema=${schema} required=${required} kind=${kind} value=${value} onChange=${onChange} step=${step} />
    <p className="hint" id=${described}>${given.description ?? schema.description ?? ""}${schema.default !== undefined && schema.default !== null ? html` <span className="faint">Without it: ${shown(schema.default?.text ?? schema.default)}.</span>` : ""}</p>
    ${problems.length > 0 && html`<p className=${`wrong tone-${problems[0].severity}`} id=${wrong}><${Said}>${problems.map((each) => `${each.message} ${each.advice}`.trim()).join(" ")}<//></p>`}
  </div>`;
}

function Input({ common, schema, required, kind, value, onChange, step }) {
  if (kind !== "value") return html`<${Expression} ...${common} kind=${kind} value=${value ?? ""} onChange=${onChange} step=${step} />`;
  if (schema.enum && !looked(value)) return html`<${Choice} ...${common} values=${schema.enum} required=${required} value=${value} onChange=${onChange} />`;
  if (schema.type === "boolean" && !looked(value)) return html`<${Choice} ...${common} values=${[true, false]} words=${{ true: "Yes", false: "No" }} value=${value} onChange=${onChange} />`;
  if (schema.type === "object" && !looked(value)) return html`<${Pairs} ...${common} value=${value ?? {}} onChange=${onChange} step=${step} />`;
  if (takes(schema, "array") && (Array.isArray(value) || (schema.type === "array" && value === undefined))) {
    return html`<${Lines} ...${common} value=${value ?? []} onChange=${onChange} single=${takes(schema, "string")} />`;
  }
  const number = schema.type === "integer" || schema.type === "number";
  const text = schema.type === "string";
  const take = (typed) => onChange(typed === "" ? null : text ? typed : number && typed.trim() && Number.isFinite(Number(typed)) ? Number(typed) : meant(typed));
  return html`<${Expression} ...${common} kind="value" short=${number || schema.format === "duration"} placeholder=${schema.examples?.[0] ?? ""}
    value=${text && typeof value === "string" ? value : shown(value)} onChange=${take} step=${step} />`;
}

export function Choice({ values, words = {}, required, value, onChange, none = "—", ...rest }) {
  return html`<select className="input" value=${value === undefined || value === null ? "" : String(value)}
    onChange=${(event) => onChange(values.find((each) => String(each) === event.target.value) ?? null)} ...${rest}>
    ${(!required || value === undefined) && html`<option value="">${none}</option>`}
    ${value !== undefined && value !== null && !values.some((each) => each === value) && html`<option value=${String(value)}>${shown(value)}</option>`}
    ${values.map((each) => html`<option key=${String(each)} value=${String(each)}>${words[each] ?? String(each)}</option>`)}</select>`;
}

function Lines({ value, onChange, single, ...rest }) {
  const typed = useTyped(value.map(shown).join("\n"), (text) => {
    const lines = text.split("\n").map((line) => line.trim()).filter(Boolean).map(meant);
    onChange(lines.length ? (single && lines.length === 1 ? lines[0] : lines) : null);
  });
  const { reset, ...input } = typed;
  return html`<textarea className="input mono" rows=${Math.min(8, Math.max(2, value.length + 1))} placeholder="One on each line" ...${rest} ...${input} />`;
}

function Pairs({ value, onChange, step, id, disabled, ...rest }) {
  const entries = Object.entries(value);
  const [adding, setAdding] = useState("");
  const latest = useRef(value);
  latest.current = value;
  // Of what is there once everything before has been done.
  const make = (next) => desk.next(() => onChange(next(latest.current)));
  const change = (name, made) => make((now) => Object.fromEntries(Object.entries(now).map(([key, inner]) => (key === name ? made(inner) : [key, inner]))));
  const add = () => {
    const name = adding;
    if (name && !(name in value)) make((now) => ({ ...now, [name]: "" }));
    setAdding("");
  };
  return html`<div className="pairs" role="group" id=${id} ...${rest}>
    ${entries.map(([key, inner], at) => html`<div className="pair" key=${at}>
      <${Key} name=${key} disabled=${disabled} rename=${(name) => name && !(name in value) && change(key, (now) => [name, now])} />
      <${Expression} kind="value" label=${`Value of ${key}`} disabled=${disabled} value=${shown(inner)} onChange=${(text) => change(key, () => [key, meant(text)])} step=${step} />
      <${Button} plain icon="x" label=${`Remove ${key}`} disabled=${disabled} onClick=${() => {
        make((now) => {
          const { [key]: _, ...rest } = now;
          return Object.keys(rest).length ? rest : null;
        });
      }} /></div>`)}
    <div className="pair new"><input className="input mono" aria-label="New name" placeholder="New name" value=${adding} disabled=${disabled} onChange=${(event) => setAdding(event.target.value)}
      onKeyDown=${(event) => event.key === "Enter" && (event.preventDefault(), add())} onBlur=${add} /><${Icon} name="plus" /></div>
  </div>`;
}

function Key({ name, rename, disabled }) {
  const { reset, ...typed } = useTyped(name, rename);
  return html`<input className="input mono" aria-label="Name" disabled=${disabled} ...${typed} />`;
}
