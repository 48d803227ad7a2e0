// One run on the canvas: how far it has come, what went in and out of each step, and doing it again from here.
import { ReactFlowProvider, createRoot } from "../vendor/canvas.min.js";
import { Button, Icon, Refused, html, root, useEffect, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Canvas } from "./canvas.js";
import { open } from "./following.js";
import { RunDialog } from "./again.js";
import { RunPane } from "./ran.js";
import { TRIGGER } from "./layout.js";

const { run: id } = root.dataset;

function Run() {
  const info = useDesk((state) => state.info);
  const run = useDesk((state) => state.run);
  const readable = useDesk((state) => state.sketch?.readable);
  const [broken, setBroken] = useState(null);
  useEffect(() => {
    open(id).catch((error) => setBroken(error instanceof Refused ? error : new Refused(0, { message: String(error) })));
  }, []);
  if (broken) return html`<div className="empty"><p className="title">${broken.message}</p><p>${broken.advice}</p></div>`;
  if (!info || !run) return html`<p className="opening">Opening ${root.querySelector("h1")?.textContent ?? ""}…</p>`;
  return html`<${ReactFlowProvider}>
    <${Bar} info=${info} run=${run} />
    <div className="desk watched">
      <aside className="pane" aria-label="What happened"><${RunPane} id=${id} run=${run} info=${info} /></aside>
      ${readable ? html`<${Canvas} readable=${0.55} />` : html`<div className="empty"><p className="title">This release cannot draw the version that ran.</p><p><a href=${`/executions/${id}`}>Read the run as text.</a></p></div>`}
    </div>
    <${RunDialog} id=${id} info=${info} />
  <//>`;
}

function Bar({ info, run }) {
  const stream = useDesk((state) => state.stream);
  const lost = useDesk((state) => state.lost);
  useEffect(() => {
    document.title = `${run.word} · ${info.name} · Run on the canvas · Ringfence`;
  }, [run.word]);
  return html`<header className="bar">
    <h1><a href="/executions">Executions</a><${Icon} name="chevron-right" /><span className="run-name">${info.name}</span> <span className="tag">${info.version}</span></h1>
    <span className=${`badge tone-${run.tone}`}><${Icon} name=${run.icon} />${run.word}</span>
    <div className="end">
      ${stream && html`<span className=${`stream-said toned tone-${stream === "live" ? "done" : "warn"}`} role="status"><${Icon} name=${stream === "live" ? "activity" : "wifi-off"} />${stream === "live" ? (run.live ? "Live" : "Ended") : lost}</span>`}
      <a className="button plain" href=${`/executions/${id}`}><${Icon} name="list" />As text</a>
      <a className="button plain" href=${`/playbooks/${info.playbook}/design`}><${Icon} name="workflow" />Designer</a>
      <${Button} plain icon="keyboard" label="Keys (?)" onClick=${() => desk.set({ asking: { kind: "keys" } })} />
      ${run.live && info.may.cancel && html`<${Button} icon="ban" onClick=${() => desk.set({ asking: { kind: "cancel" } })}>Cancel …<//>`}
      ${!run.live && info.may.again && html`<${Button} primary icon="play" onClick=${() => desk.set({ asking: { kind: "again", steps: [] } })}>Run again …<//>`}
    </div></header>`;
}

document.addEventListener("keydown", (event) => {
  const { info, run, sketch, selection, asking } = desk.state;
  if (!info || asking || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
  const typing = /^(?:INPUT|TEXTAREA|SELECT)$/.test(event.target.tagName);
  if (event.key === "F4" || (event.key === "Home" && !typing && event.target === document.body)) desk.set({ focus: selection[0] ?? sketch.steps[0]?.name ?? TRIGGER });
  else if (event.key === "?" && !typing) desk.set({ asking: { kind: "keys" } });
  else if (event.key === "r" && !typing && !run.live && info.may.again) desk.set({ asking: { kind: "again", steps: selection.filter(Boolean) } });
  else return;
  event.preventDefault();
});

createRoot(root).render(html`<${Run} />`);
