// Versions: any two of them, or this document, and what differs by meaning: listed, and drawn as one on the canvas.
import { Button, Icon, ask, html, root, useEffect, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { TRIGGER, idOf } from "./layout.js";
import { shown } from "./fields.js";

const DOCUMENT = "";
const LONG = 90;

// The address can say which two: #versions=1.2,1.3; without the second it is this document.
export function asked(versions) {
  const [before, after = DOCUMENT] = /^#versions=([\d.]*)(?:,([\d.]*))?$/.exec(location.hash)?.slice(1) ?? [];
  return before && versions.includes(before) ? { before, after: versions.includes(after) ? after : DOCUMENT } : null;
}

export function Versions() {
  const info = useDesk((state) => state.info);
  const source = useDesk((state) => state.source);
  const [pair, setPair] = useState(() => asked(info.versions) ?? { before: info.version ?? info.versions[0] ?? "", after: DOCUMENT });
  const [said, setSaid] = useState(null);
  const [refused, setRefused] = useState(null);
  const { before, after } = pair;
  useEffect(() => {
    if (!before) return undefined;
    let wanted = true;
    ask("/difference", { body: after ? { before, after } : { before, source } }).then(
      ({ changes, sketch, marks, ways }) => {
        if (!wanted) return;
        setSaid(changes);
        setRefused(null);
        desk.set({ compared: { ...pair, sketch, marks, ways: new Map(ways.map(([from, outcome, target, kind]) => [idOf({ source: from, outcome, target }), kind])) } });
      },
      (error) => {
        if (!wanted) return;
        setRefused(error);
        desk.set({ compared: null });
      },
    );
    return () => {
      wanted = false;
    };
  }, [before, after, after ? "" : source]);
  useEffect(() => () => desk.set({ compared: null }), []);
  const name = (number) => `${number}${number === info.version && info.state === "active" ? " · active" : ""}`;
  const choose = (patch) => {
    const next = { ...pair, ...patch };
    setPair(next);
    history.replaceState(null, "", `#versions=${next.before}${next.after ? `,${next.after}` : ""}`);
  };
  return html`<div className="panel form">
    <header className="panel-head"><span className="step-icon"><${Icon} name="git-compare" /></span><div><h2>What differs</h2><p className="faint">By meaning: comments and order make no difference.</p></div></header>
    ${!info.versions.length && html`<p>Nothing of it was published yet.</p>`}
    ${info.versions.length > 0 && html`<div className="two">
      <div className="field"><label htmlFor="versions-before">Before</label>
        <select id="versions-before" className="input" value=${before} onChange=${(event) => choose({ before: event.target.value })}>${info.versions.map((each) => html`<option key=${each} value=${each}>${name(each)}</option>`)}</select></div>
      <div className="field"><label htmlFor="versions-after">After</label>
        <select id="versions-after" className="input" value=${after} onChange=${(event) => choose({ after: event.target.value })}>
          <option value="">${info.revision || desk.dirty ? "this draft" : "this document"}</option>${info.versions.map((each) => html`<option key=${each} value=${each}>${name(each)}</option>`)}</select></div></div>
      <div className="row">${after && html`<${Button} plain icon="repeat" onClick=${() => choose({ before: after, after: before })}>Turn round<//>`}
        <a className="button plain" href=${`/playbooks/${root.dataset.playbook}/versions/${after || before}`}><${Icon} name="history" />Version ${after || before} as text, and bringing it back</a></div>`}
    ${refused && html`<div className="wrong tone-error" role="alert"><p>${refused.message} ${refused.advice}</p>${refused.problems.map((each) => html`<p key=${each}>${each}</p>`)}</div>`}
    ${said && !refused && html`<${Changes} changes=${said} />`}
  </div>`;
}

function Changes({ changes }) {
  const drawn = useDesk((state) => state.compared?.sketch);
  const chosen = useDesk((state) => (state.selection.length === 1 ? state.selection[0] : null));
  const placeOf = (each) => (each.kind === "trigger" ? TRIGGER : drawn?.steps.some((step) => step.name === each.step) ? each.step : null);
  const own = chosen === null ? [] : changes.filter((each) => placeOf(each) === chosen);
  const rest = changes.filter((each) => !own.includes(each));
  const List = ({ of }) => html`<ul className="sentences">${of.map((each, index) => html`<${Line} key=${index} change=${each} place=${placeOf(each)} />`)}</ul>`;
  return html`<div className="form" role="status">
    ${!changes.length && html`<p>They mean the same.</p>`}
    ${chosen !== null && changes.length > 0 && html`<section><h3>${chosen || "The trigger"}</h3>${own.length ? html`<${List} of=${own} />` : html`<p className="faint">Nothing of it differs.</p>`}</section>`}
    ${rest.length > 0 && html`<section>${own.length > 0 && html`<h3>Elsewhere</h3>`}<${List} of=${rest} /></section>`}</div>`;
}

function Line({ change, place }) {
  const { kind, field, before, after, sentence } = change;
  const texts = field ? [before, after].map((each) => (each === null ? null : shown(each))) : [];
  const long = texts.some((each) => each !== null && each.length > LONG);
  return html`<li className=${`change-${kind}`}>${place !== null && html`<button type="button" className="linkish" onClick=${() => desk.set({ selection: [place], focus: place })}><${Icon} name="locate-fixed" label=${`Show ${place || "the trigger"}`} /></button> `}${sentence}
    ${long && html`<details><summary>All of it</summary>${texts.map((each, index) => each !== null && html`<pre key=${index} className=${index ? "came" : "went"} tabIndex="0" aria-label=${index ? "After" : "Before"}>${each}</pre>`)}</details>`}</li>`;
}
