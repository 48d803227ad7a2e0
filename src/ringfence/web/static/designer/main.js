// The designer: one document, seen as canvas, as YAML, tried out, and against its versions.
import { ReactFlowProvider, createRoot } from "../vendor/canvas.min.js";
import { Button, Icon, Refused, html, root, useEffect, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Canvas } from "./canvas.js";
import { Toolbox } from "./toolbox.js";
import { Panel } from "./panel.js";
import { Problems } from "./problems.js";
import { YamlTab } from "./yaml.js";
import { onClipboard } from "./clipboard.js";
import { TRIGGER } from "./layout.js";
import { Mode } from "./mode.js";
import { Trial } from "./trial.js";
import { Versions } from "./versions.js";
import { Conflict, Connecting, Help } from "./dialogs.js";

const TABS = [["canvas", "Canvas", "workflow"], ["yaml", "YAML", "code"], ["test", "Test", "flask-conical"], ["versions", "Versions", "git-compare"]];

function Designer() {
  const info = useDesk((state) => state.info);
  const tab = useDesk((state) => state.tab);
  const pane = useDesk((state) => state.pane);
  const readable = useDesk((state) => state.sketch?.readable);
  const [broken, setBroken] = useState(null);
  useEffect(() => {
    desk.open().catch((error) => setBroken(error instanceof Refused ? error : new Refused(0, { message: String(error) })));
  }, []);
  if (broken) return html`<div className="empty"><p className="title">${broken.message}</p><p>${broken.advice}</p></div>`;
  if (!info) return html`<p className="opening">Opening ${root.querySelector("h1")?.textContent ?? ""}…</p>`;
  const drawn = tab !== "yaml";
  return html`<${ReactFlowProvider}>
    <${Bar} info=${info} tab=${tab} />
    <div className=${`desk tab-${tab}`}>
      ${drawn && html`<aside className="pane" aria-label=${pane === "edit" ? "Edit" : tab === "canvas" ? "Toolbox" : "Tools"}>
        ${tab === "test" && pane !== "edit" ? html`<${Trial} />` : tab === "versions" && pane !== "edit" ? html`<${Versions} />` : pane === "edit" ? html`<${Panel} />` : info.may.write ? html`<${Toolbox} />` : html`<p className="nothing">You may look at this playbook, and not change it.</p>`}
      </aside>`}
      ${drawn ? (readable ? html`<${Canvas} />` : html`<div className="empty"><p className="title">This text cannot be drawn.</p><p>Correct it in the YAML tab; the problems below say where.</p></div>`) : html`<${YamlTab} />`}
      <${Problems} />
    </div>
    <${Conflict} /><${Connecting} /><${Help} />
  <//>`;
}

function Bar({ info, tab }) {
  const dirty = useDesk((state) => state.source !== state.saved);
  const busy = useDesk((state) => state.busy);
  const back = useDesk((state) => state.back.length);
  const forth = useDesk((state) => state.forth.length);
  const name = useDesk((state) => state.sketch?.settings.name) || info.name;
  const choose = (next, into = false) => desk.set({ tab: next, into, pane: "toolbox", editing: null, ...(next === "versions" ? {} : { compared: null }) });
  const onKeyDown = (event) => {
    const at = TABS.findIndex(([id]) => id === tab);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1 }[event.key];
    if (to === undefined || !TABS[to]) return;
    choose(TABS[to][0]);
    event.currentTarget.querySelectorAll("[role=tab]")[to].focus();
  };
  return html`<header className="bar">
    <h1><a href="/playbooks">Playbooks</a><${Icon} name="chevron-right" /><button type="button" className="linkish" title="Settings of the playbook" onClick=${() => desk.set({ editing: { kind: "settings" }, pane: "edit", tab: tab === "yaml" ? "canvas" : tab })}>${name}<${Icon} name="settings-2" label="Settings" /></button></h1>
    <div className="tabs" role="tablist" aria-label="Views" onKeyDown=${onKeyDown}>${TABS.map(([id, word, icon]) => html`<button key=${id} type="button" role="tab" aria-selected=${tab === id} tabIndex=${tab === id ? 0 : -1} onClick=${() => choose(id, true)}><${Icon} name=${icon} />${word}</button>`)}</div>
    <div className="end">
      ${info.may.write && html`<${Button} plain icon="undo-2" label="Undo (Ctrl Z)" aria-disabled=${!back || busy} onClick=${() => desk.undo()} />
      <${Button} plain icon="redo-2" label="Do again (Ctrl Shift Z)" aria-disabled=${!forth || busy} onClick=${() => desk.redo()} />`}
      <${Button} plain icon="keyboard" label="Keys (?)" onClick=${() => desk.set({ help: true })} />
      ${info.may.write ? html`<span className="saved-state faint" role="status">${busy ? "…" : dirty ? "Not saved" : "Saved"}</span><${Button} icon="save" aria-disabled=${!dirty} onClick=${() => desk.save()}>Save<//>` : html`<span className="tag">Read only</span>`}
      <${Mode} info=${info} dirty=${dirty} />
    </div></header>`;
}

// What is being typed counts once it is left.
function left(field) {
  if (!field?.matches("input, textarea")) return;
  const { selectionStart, selectionEnd } = field;
  field.blur();
  field.focus({ preventScroll: true });
  if (selectionStart !== null) field.setSelectionRange(selectionStart, selectionEnd);
}

document.addEventListener("keydown", (event) => {
  if (!desk.state.info || event.defaultPrevented) return;
  const command = event.ctrlKey || event.metaKey;
  const typing = /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName) || event.target.shadowRoot;
  if (command && event.key === "s") {
    left(document.activeElement);
    desk.save();
  }
  else if (command && !typing && event.key.toLowerCase() === "z") desk[event.shiftKey ? "redo" : "undo"]();
  else if (command && !typing && event.key === "y") desk.redo();
  else if (event.key === "?" && !typing) desk.set({ help: true });
  else if (event.key === "F4" || (event.key === "Home" && !typing && event.target === document.body)) desk.set({ focus: desk.state.selection[0] ?? desk.state.sketch.steps[0]?.name ?? TRIGGER, tab: "canvas" });
  else return;
  event.preventDefault();
});
for (const kind of ["copy", "cut", "paste"]) document.addEventListener(kind, onClipboard);
window.addEventListener("beforeunload", (event) => desk.dirty && desk.writable && event.preventDefault());

createRoot(root).render(html`<${Designer} />`);
