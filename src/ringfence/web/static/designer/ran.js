// Beside the canvas of a run: the run itself, or the step that is chosen, with what went in and came out.
import { Button, Icon, ask, html, many, useEffect, useRef, useState } from "./base.js";
import { desk, stepOf, useDesk } from "./desk.js";
import { before } from "./sample.js";
import { Lasting, Moment, between, length } from "./times.js";
import { Value } from "./values.js";
import { iconOf } from "./words.js";

const LISTED = 30;

// Back to the canvas: what is in the pane keeps the focus as long as somebody is there.
function leave(name, selection) {
  document.activeElement?.blur();
  desk.set({ focus: name, selection });
}

export function RunPane({ id, run, info }) {
  const chosen = useDesk((state) => (state.selection.length === 1 ? state.selection[0] : ""));
  const onKeyDown = (event) => {
    if (event.key !== "Escape") return;
    leave(chosen, chosen ? [chosen] : []);
    event.preventDefault();
  };
  return html`<div className="panel" onKeyDown=${onKeyDown}>${chosen ? html`<${Step} key=${chosen} id=${id} name=${chosen} run=${run} info=${info} />` : html`<${Whole} run=${run} id=${id} />`}</div>`;
}

const Badge = ({ of }) => html`<span className=${`badge tone-${of.tone}`}><${Icon} name=${of.icon} />${of.word}</span>`;

const go = (name) => leave(name, [name]);

// What the run is, and where to look first.
function Whole({ run, id }) {
  const steps = useDesk((state) => state.standing);
  const sketch = useDesk((state) => state.sketch);
  const known = new Set(sketch.steps.map((each) => each.name));
  const of = (status) => Object.entries(steps).filter(([, each]) => each.status === status);
  const failed = of("failed");
  const busy = [...of("started"), ...of("waiting")];
  const List = ({ title, rows }) => rows.length > 0 && html`<section><h3>${title}</h3><ul className="pick-list">${rows.slice(0, LISTED).map(([name, each]) => html`<li key=${name}><button type="button" onClick=${() => go(known.has(name) ? name : name.split("/")[0])}><span className="mono">${name}</span><${Badge} of=${each} /></button>${each.error && html`<p className="wrong">${each.error}</p>`}</li>`)}</ul></section>`;
  return html`<div className="form">
    <header className="panel-head"><span className="step-icon"><${Icon} name="play" /></span><div><h2>The run</h2><p className="faint">Choose a step to see what went in and came out.</p></div></header>
    ${run.error && html`<p className="wrong tone-error">${run.error}</p>`}
    ${run.cancel_requested_by && html`<p className="wrong tone-warning">${run.cancel_requested_by} asked for this run to end. ${run.cancel_reason ?? ""}</p>`}
    <dl className="facts">
      <dt>Because of</dt><dd>${run.alert ? html`<a href=${`/alerts/${run.alert.id}`}>${run.alert.title}</a>` : run.trigger}</dd>
      ${run.machine && html`<dt>Host</dt><dd>${run.machine}</dd>`}
      <dt>Acts for</dt><dd>${run.run_as}</dd>
      <dt>Asked for</dt><dd><${Moment} at=${run.requested_at} /></dd>
      ${run.started_at && html`<dt>Took</dt><dd>${run.finished_at ? between(run.started_at, run.finished_at) : html`<${Lasting} since=${run.started_at} /> until now`}</dd>`}
      ${run.rerun_of && html`<dt>Does again</dt><dd><a href=${`/executions/${run.rerun_of}/canvas`}>an earlier run</a></dd>`}
    </dl>
    <${List} title="Failed" rows=${failed} /><${List} title="Under way" rows=${busy} />
    <p><a href=${`/executions/${id}`}>Everything as text, with the whole log and files</a></p></div>`;
}

function useStep(name, item) {
  const number = useDesk((state) => state.number);
  const standing = useDesk((state) => state.standing[name]);
  const [found, setFound] = useState(null);
  const [missing, setMissing] = useState(null);
  const over = standing && !["pending", "started", "waiting"].includes(standing.status) && !standing.items.length;
  useEffect(() => {
    let wanted = true;
    if (!standing) return undefined;
    const query = new URLSearchParams({ name, ...(item === null ? {} : { item }) });
    ask(`/step?${query}`).then(
      (said) => wanted && (setFound(said), setMissing(null)),
      (refused) => wanted && (setFound(null), setMissing(refused)),
    );
    return () => {
      wanted = false;
    };
  }, [name, item, over ? standing.finished_at : number]);
  return standing ? [found, missing] : [null, { status: 404 }];
}

function Step({ id, name, run, info }) {
  const step = useDesk((state) => state.sketch.steps.find((each) => each.name === name));
  const steps = useDesk((state) => state.standing);
  const editing = useDesk((state) => state.editing);
  const [item, setItem] = useState(null);
  const [inner, setInner] = useState(null);
  const heading = useRef(null);
  const asked = inner ?? name;
  const [found, missing] = useStep(asked, item);
  useEffect(() => {
    if (editing?.name !== name) return;
    heading.current?.focus({ preventScroll: true });
    desk.set({ editing: null });
  }, [editing]);
  const parts = Object.entries(steps).filter(([each]) => each.startsWith(`${name}/`) && !each.endsWith("(inputs)"));
  return html`<div className="form">
    <header className=${`panel-head effect-${step?.effect ?? ""}`}><span className="step-icon"><${Icon} name=${iconOf(step?.action ?? "")} /></span>
      <div><h2 tabIndex=${-1} ref=${heading}>${asked}</h2><p className="faint">${step?.title}</p></div>
      <span className="end"><${Button} plain icon="x" label="The whole run" onClick=${() => leave(name, [])} /></span></header>
    ${parts.length > 0 && html`<nav aria-label="Steps of the component"><ul className="pick-list">
      <li><button type="button" aria-current=${inner === null || undefined} onClick=${() => { setInner(null); setItem(null); }}><span className="mono">${name}</span><span className="faint">the call</span></button></li>
      ${parts.map(([each, of]) => html`<li key=${each}><button type="button" aria-current=${inner === each || undefined} onClick=${() => { setInner(each); setItem(null); }}><span className="mono">${each.slice(name.length + 1)}</span><${Badge} of=${of} /></button></li>`)}</ul></nav>`}
    ${found?.items.length > 0 && html`<${Items} found=${found} choose=${setItem} whole=${Boolean(steps[asked] && step?.fields.for_each !== undefined)} />`}
    ${missing && html`<p className="nothing">${missing.status === 404 ? "It has not begun." : `${missing.message} ${missing.advice}`}</p>`}
    ${found && html`<${Found} id=${id} found=${found} />`}
    ${!run.live && info.may.again && !inner && html`<div className="row"><${Button} icon="play" onClick=${() => desk.set({ asking: { kind: "again", steps: [begin(found, name, step)] } })}>Run again from here …<//></div>`}
  </div>`;
}

// An item of a loop is done again by the name of its loop, whichever of its steps is looked at.
function begin(found, name, step) {
  if (!found?.item) return name;
  const { sketch } = desk.state;
  const loop = [step, ...[...before(sketch, name)].map(stepOf)].find((each) => each?.fields.for_each !== undefined);
  return loop ? `${loop.name}[${found.said}]` : name;
}

function Items({ found, choose, whole }) {
  return html`<div className="field"><label htmlFor="run-item">${whole ? "Loop" : "Item of the loop"}</label>
    <select id="run-item" className="input" value=${found.item} onChange=${(event) => choose(Number(event.target.value))}>
      ${(whole || found.item === 0) && html`<option value="0">The loop as a whole</option>`}
      ${found.items.map((each) => html`<option key=${each.number} value=${each.number}>${`${each.said} · ${each.word}${each.took === null ? "" : ` · ${length(each.took)}`}`}</option>`)}</select>
    <p className="hint">${found.item_count > found.items.length ? `${found.items.length} of ${found.item_count} items, those that failed first.` : `${many(found.item_count, "item")}, those that failed first.`}</p></div>`;
}

function Found({ id, found }) {
  const open = found.started_at && !found.finished_at;
  return html`<div className="form" role="group" aria-label=${`Step ${found.step}`}>
    <p className="row"><${Badge} of=${found} />${found.outcome && found.outcome !== "success" && html`<span className="tag">${found.outcome}</span>`}${found.masked && html`<span className="tag">masked</span>`}
      <span className="faint">${open ? html`<${Lasting} since=${found.started_at} /> until now` : found.started_at && found.finished_at && found.status !== "skipped" ? between(found.started_at, found.finished_at) : ""}</span></p>
    ${found.error && html`<p className="wrong tone-error">${found.error}</p>`}
    <dl className="facts">
      ${found.started_at && html`<dt>Started</dt><dd><${Moment} at=${found.started_at} /></dd>`}
      ${found.finished_at && html`<dt>Finished</dt><dd><${Moment} at=${found.finished_at} /></dd>`}
      ${found.wake_at && html`<dt>Looked at again</dt><dd><${Moment} at=${found.wake_at} /></dd>`}
      ${found.waits_for.length > 0 && html`<dt>Waits for</dt><dd className="mono">${found.waits_for.join(", ")}</dd>`}
    </dl>
    ${(found.attempts.length > 1 || (found.attempts.length > 0 && open)) && html`<section><h3>Attempts</h3><ol className="attempts">${found.attempts.map((each) => html`<li key=${each.number}><span className="number">${each.number}</span><span className="faint">${length(each.took)}</span><span>${each.error || "Done"}</span></li>`)}</ol></section>`}
    <${Side} id=${id} found=${found} side="input" title="Input" />
    <${Side} id=${id} found=${found} side="output" title="Output" />
    <section><h3>Log</h3>${found.lines.length ? html`<ol className="run-log">${found.lines.map((each) => html`<li key=${each.id}><span className="faint"><${Moment} at=${each.at} /></span><span className=${`toned tone-${each.tone}`}>${each.word}</span><span>${each.message}</span></li>`)}</ol>` : html`<p className="nothing">No line of this step.</p>`}</section>
  </div>`;
}

function Side({ id, found, side, title }) {
  const { value, size, cut } = found[side];
  const waiting = side === "output" && !size && ["pending", "started", "waiting"].includes(found.status);
  const address = `/api/v1/runs/${id}/steps/${encodeURIComponent(found.step)}/${found.item}/${side}`;
  return html`<section><h3>${title}</h3>
    ${cut ? html`<p className="nothing">It is too large to be shown here (${size} characters).</p>` : waiting ? html`<p className="nothing">Not there yet.</p>` : !size ? html`<p className="nothing">Nothing.</p>` : html`<${Value} value=${value} path=${side === "output" ? `steps.${found.step}` : ""} title=${title} />`}
    ${size > 2000 && html`<a className="button plain" href=${address} download><${Icon} name="arrow-right" />Download all of it</a>`}</section>`;
}
