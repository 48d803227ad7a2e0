// Design or Active: what publishing will do, as differences and checks say, and then a question.
import { Button, Icon, ask, html, toast, useEffect, useState } from "./base.js";
import { desk } from "./desk.js";
import { Dialog } from "./dialogs.js";
import { go } from "./problems.js";

export function Mode({ info, dirty }) {
  const [asking, setAsking] = useState(false);
  const designing = dirty || info.revision > 0 || !info.version;
  const active = info.state === "active";
  const words = active ? `Active ${info.version}` : info.state === "paused" ? `Paused ${info.version}` : info.state === "retired" ? "Retired" : "Active";
  return html`<div className="mode" role="group" aria-label="Mode">
    <span className=${`mode-part${designing || !active ? " on" : ""}`} aria-current=${designing || !active ? "true" : undefined} title=${designing ? "There is a draft; what runs is not changed by it." : "Change something to begin a draft."}><${Icon} name="pen-line" />Design</span>
    <button type="button" className=${`mode-part${active && !designing ? " on" : ""}`} disabled=${!info.may.publish} onClick=${() => setAsking(true)} title="What publishing would do"><${Icon} name="zap" />${words}</button>
    ${asking && html`<${Publishing} info=${info} onClose=${() => setAsking(false)} />`}</div>`;
}

function Publishing({ info, onClose }) {
  const [said, setSaid] = useState(null);
  const [note, setNote] = useState("");
  const [major, setMajor] = useState(false);
  const [over, setOver] = useState(false);
  const [unproven, setUnproven] = useState("");
  const [busy, setBusy] = useState(false);
  useEffect(() => {
    (async () => {
      await desk.settled();
      if (desk.dirty && !(await desk.save())) return onClose();
      return setSaid(await ask(`/publishing${major ? "?major=true" : ""}`));
    })().catch((error) => {
      toast(error.message);
      onClose();
    });
  }, [major]);
  const carry = async (path, body) => {
    setBusy(true);
    try {
      const done = await ask(path, { body });
      if (done.go) location.assign(done.go);
      else {
        toast(done.words);
        await desk.open();
        onClose();
      }
    } catch (refused) {
      toast([refused.message, refused.advice, ...(refused.problems ?? [])].filter(Boolean).join(" "));
      setBusy(false);
    }
  };
  const title = said?.draft ? `Publish version ${said.version}?` : `${info.name}: mode`;
  return html`<${Dialog} title=${title} onClose=${onClose}>
    ${!said && html`<p className="faint">Looking at what would change …</p>`}
    ${said?.draft && html`
      ${said.obstacle && html`<div><p className="wrong tone-error">${said.obstacle}</p><label className="check"><input type="checkbox" checked=${over} onChange=${(event) => setOver(event.target.checked)} /> Publish it over the version that came between</label></div>`}
      ${said.changes.length ? html`<div><h3>What changes</h3><ul className="sentences">${said.changes.map((each, index) => html`<li key=${index}>${each}</li>`)}</ul></div>` : html`<p>It means the same as the newest version.</p>`}
      ${said.problems.length > 0 && html`<div><h3>What the checks say</h3><ul className="sentences">${said.problems.map((each, index) => html`<li key=${index}><button type="button" className="linkish" onClick=${() => { onClose(); go(each); }}>${each.severity}</button>: ${each.message} <span className="faint">${each.advice}</span></li>`)}</ul></div>`}
      ${said.proof_first && html`<p>First a worker plays in the simulator whether it lets go what it cuts off; what is proven is published.</p>
        <div className="field"><label htmlFor="publish-unproven">Publish it without a proof of release, because</label><input id="publish-unproven" className="input" value=${unproven} maxLength=${500} onChange=${(event) => setUnproven(event.target.value)} /></div>`}
      <p>${said.second_person ? "Another person is asked; when they say yes, it starts runs." : `From then on version ${said.version} starts runs. Runs that have begun go on with the version that started them.`}</p>
      <div className="field"><label htmlFor="publish-note">Note</label><input id="publish-note" className="input" value=${note} maxLength=${500} onChange=${(event) => setNote(event.target.value)} /></div>
      ${info.version && html`<label className="check"><input type="checkbox" checked=${major} onChange=${(event) => setMajor(event.target.checked)} /> Begin the next major number</label>`}
      <div className="row"><${Button} primary icon="zap" disabled=${busy || !(said.publishable || (over && !said.problems.some((each) => each.severity === "error")))} onClick=${() => carry("/publish", { note, major, over, unproven, seen: desk.state.revision })}>${said.second_person ? "Ask for a yes" : "Publish and activate"}<//>
        <${Button} plain onClick=${onClose}>Not yet<//></div>`}
    ${said && !said.draft && html`<p>${info.state === "active" ? `Version ${info.version} starts runs. There is no draft.` : `Version ${info.version} starts no runs. There is no draft.`}</p>
      ${info.may.control && html`<div className="row">${info.state === "active" ? html`<${Button} icon="pause" disabled=${busy} onClick=${() => carry("/mode", { to: "paused" })}>Pause it<//>` : html`<${Button} primary icon="zap" disabled=${busy} onClick=${() => carry("/mode", { to: "active" })}>Activate it<//>`}</div>`}`}
  <//>`;
}
