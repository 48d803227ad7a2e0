// Versions, and what differs by meaning: listed, and marked on the steps.
import { Icon, ask, html, root, useEffect, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";

const MARKS = { added: "new", renamed: "renamed", changed: "changed", rewired: "rewired" };

export function Versions() {
  const info = useDesk((state) => state.info);
  const source = useDesk((state) => state.source);
  const [before, setBefore] = useState(info.versions[0] ?? "");
  const [said, setSaid] = useState(null);
  const [refused, setRefused] = useState(null);
  useEffect(() => {
    if (!before) return undefined;
    let wanted = true;
    ask("/difference", { body: { source, before } }).then(
      (found) => {
        if (!wanted) return;
        const marks = {};
        for (const each of found.changes) if (each.step && MARKS[each.kind]) marks[each.step] ??= MARKS[each.kind];
        setSaid(found.changes);
        setRefused(null);
        desk.set({ marks });
      },
      (error) => wanted && setRefused(error),
    );
    return () => {
      wanted = false;
      desk.set({ marks: null });
    };
  }, [before, source]);
  return html`<div className="panel form">
    <header className="panel-head"><span className="step-icon"><${Icon} name="git-compare" /></span><div><h2>What differs</h2><p className="faint">By meaning: comments and order make no difference.</p></div></header>
    ${!info.versions.length && html`<p>Nothing of it was published yet.</p>`}
    ${info.versions.length > 0 && html`<div className="field"><label htmlFor="versions-before">This document against version</label>
      <select id="versions-before" className="input" value=${before} onChange=${(event) => setBefore(event.target.value)}>${info.versions.map((each) => html`<option key=${each}>${each}</option>`)}</select></div>
      <p><a href=${`/playbooks/${root.dataset.playbook}/versions/${before}`}>Version ${before} as text, and bringing it back</a></p>`}
    ${refused && html`<p className="wrong tone-error">${refused.message} ${refused.advice}</p>`}
    ${said && !refused && (said.length ? html`<ul className="sentences">${said.map((each, index) => html`<li key=${index} className=${`change-${each.kind}`}>${each.step && desk.state.sketch.steps.some((step) => step.name === each.step) ? html`<button type="button" className="linkish" onClick=${() => desk.set({ selection: [each.step], focus: each.step })}><${Icon} name="locate-fixed" label=${`Show ${each.step}`} /></button> ` : ""}${each.sentence}</li>`)}</ul>` : html`<p>They mean the same.</p>`)}
  </div>`;
}
