// A JSON value to look into: what is deep is folded, what is long is cut, and the path of each value can be copied.
import { Icon, announce, html, many } from "./base.js";
import { quoted } from "./sample.js";

const MOST = 50;
const LONGEST = 2_000;
const OPEN_TO = 2;

export function Value({ value, path = "", title }) {
  return html`<div className="value" aria-label=${title} role="group"><${Part} value=${value} path=${path} depth=${0} /></div>`;
}

const join = (path, key) => (path ? `${path}.${quoted(key)}` : quoted(key));

function Part({ name, value, path, depth }) {
  const label = name !== undefined && html`<span className="value-name">${name}</span>`;
  if (value === null || typeof value !== "object") return html`<div className="value-line">${label}<${Plain} value=${value} /><${Copy} path=${path} /></div>`;
  const list = Array.isArray(value);
  const entries = list ? value.map((inner, index) => [`[${index}]`, inner, `${path}[${index}]`]) : Object.entries(value).map(([key, inner]) => [key, inner, join(path, key)]);
  if (!entries.length) return html`<div className="value-line">${label}<span className="faint">${list ? "an empty list" : "nothing"}</span></div>`;
  const inside = html`<div className="value-inside">${entries.slice(0, MOST).map(([key, inner, to]) => html`<${Part} key=${key} name=${key} value=${inner} path=${to} depth=${depth + 1} />`)}
    ${entries.length > MOST && html`<p className="faint">… ${entries.length - MOST} more</p>`}</div>`;
  if (!depth) return inside;
  return html`<details open=${depth < OPEN_TO && entries.length <= 12}><summary>${label}<span className="faint">${many(entries.length, list ? "item" : "field")}</span></summary>${inside}</details>`;
}

function Plain({ value }) {
  if (typeof value !== "string") return html`<span className="value-plain">${String(value)}</span>`;
  return html`<span className="value-text">${value.length > LONGEST ? `${value.slice(0, LONGEST)}… (${value.length} characters)` : value || html`<span className="faint">empty</span>`}</span>`;
}

function Copy({ path }) {
  if (!path) return null;
  const copy = (event) => {
    event.preventDefault();
    navigator.clipboard?.writeText(path).then(() => announce(`${path} copied.`), () => announce("The browser does not allow copying here."));
  };
  return html`<button type="button" className="copy" title=${`Copy the path ${path}`} aria-label=${`Copy the path ${path}`} onClick=${copy}><${Icon} name="copy" /></button>`;
}
