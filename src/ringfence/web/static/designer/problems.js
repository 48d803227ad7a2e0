// What is wrong, listed; a click goes there.
import { Icon, Said, html, many, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";

const SIGNS = { error: ["circle-x", "bad"], warning: ["triangle-alert", "warn"], note: ["info", "info"] };

export function go(problem) {
  const { tab, sketch } = desk.state;
  const there = problem.step && sketch.steps.some((each) => each.name === problem.step);
  if (tab === "yaml" || (!there && !problem.field?.startsWith("trigger"))) desk.set({ tab: "yaml", goto: { line: problem.line, column: problem.column } });
  else if (there) desk.set({ editing: { kind: "step", name: problem.step }, selection: [problem.step], focus: problem.step, pane: "edit" });
  else desk.set({ editing: { kind: "trigger" }, selection: [""], focus: "", pane: "edit" });
}

export function Problems() {
  const problems = useDesk((state) => state.problems);
  const checked = useDesk((state) => state.checked);
  const [open, setOpen] = useState(false);
  const of = (severity) => problems.filter((each) => each.severity === severity).length;
  const said = [["error", of("error")], ["warning", of("warning")], ["note", of("note")]].filter(([, count]) => count);
  return html`<section className="problems" aria-label="Problems">
    <button type="button" className="problems-head" aria-expanded=${open} disabled=${!problems.length} onClick=${() => setOpen(!open)}>
      ${said.map(([severity, count]) => html`<span key=${severity} className=${`toned tone-${SIGNS[severity][1]}`}><${Icon} name=${SIGNS[severity][0]} />${many(count, severity)}</span>`)}
      ${!problems.length && html`<span className=${checked ? "toned tone-done" : "faint"}><${Icon} name=${checked ? "circle-check" : "hourglass"} />${checked ? "No problems" : "Checking…"}</span>`}
      ${problems.length > 0 && html`<${Icon} name=${open ? "chevron-down" : "chevron-up"} />`}</button>
    ${open && problems.length > 0 && html`<ul className="problem-list">${problems.map((each, index) => html`<li key=${index}><button type="button" onClick=${() => go(each)}>
      <span className=${`toned tone-${SIGNS[each.severity][1]}`}><${Icon} name=${SIGNS[each.severity][0]} label=${each.severity} /></span>
      <span><${Said}>${each.message}<//> <span className="faint"><${Said}>${each.advice}<//></span></span><span className="mono faint">${each.step ?? ""} ${each.line}:${each.column}</span></button></li>`)}</ul>`}
  </section>`;
}
