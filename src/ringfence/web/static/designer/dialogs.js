// Dialogs: somebody else has saved, connect to …, and the keys.
import { Button, ask, html, toast, useEffect, useLayoutEffect, useRef, useState } from "./base.js";
import { desk, stepOf, useDesk } from "./desk.js";
import { asEntry } from "./words.js";

export function Dialog({ title, onClose, children }) {
  const dialog = useRef(null);
  // Closed before it is gone, it gives the focus back to where that was.
  useLayoutEffect(() => {
    const shown = dialog.current;
    if (!shown.open) shown.showModal();
    shown.querySelector("[data-first]")?.focus();
    return () => shown.close();
  }, []);
  return html`<dialog ref=${dialog} className="dialog" aria-label=${title} onCancel=${(event) => { event.preventDefault(); onClose(); }} onKeyDown=${(event) => event.stopPropagation()}>
    <header><h2>${title}</h2><${Button} plain icon="x" label="Close" onClick=${onClose} /></header><div className="form">${children}</div></dialog>`;
}

export function Conflict() {
  const refused = useDesk((state) => state.conflict);
  if (!refused) return null;
  const over = async () => {
    try {
      const there = await ask("/document");
      await desk.save({ over: there.revision || "0" });
    } catch (error) {
      toast(error.message);
    }
  };
  return html`<${Dialog} title="Somebody saved before you" onClose=${() => desk.set({ conflict: null })}>
    <p>${refused.message}</p><p className="faint">What you did is still here, and theirs is kept too: every save is.</p>
    <div className="row"><a className="button" href=${location.pathname} target="_blank">Look at theirs in another tab</a><${Button} primary onClick=${over}>Save mine as the newest<//></div><//>`;
}

// By keyboard: from a step's outcome to a step of the list.
export function Connecting() {
  const connecting = useDesk((state) => state.connecting);
  const sketch = useDesk((state) => state.sketch);
  const [outcome, setOutcome] = useState("");
  const step = connecting && stepOf(connecting.from);
  const outcomes = step?.outcomes ?? [];
  useEffect(() => {
    if (step) setOutcome(outcomes.includes("") ? "" : outcomes[0]);
  }, [connecting]);
  if (!step) return null;
  const close = () => desk.set({ connecting: null, focus: step.name });
  const targets = sketch.steps.filter((each) => each.name !== step.name && !sketch.edges.some((edge) => edge.source === step.name && edge.outcome === outcome && edge.target === each.name));
  const send = (event) => {
    event.preventDefault();
    const target = new FormData(event.target).get("target");
    if (target) desk.edit([{ op: "connect", source: asEntry(step.name, outcome), target }]);
    close();
  };
  return html`<${Dialog} title=${`Connect ${step.name} to …`} onClose=${close}><form className="form" onSubmit=${send} onKeyDown=${(event) => event.key === "Enter" && event.target.tagName === "SELECT" && (event.preventDefault(), event.currentTarget.requestSubmit())}>
    ${outcomes.length > 1 && html`<div className="field"><label htmlFor="connect-outcome">When it ends in</label><select id="connect-outcome" className="input" value=${outcome} onChange=${(event) => setOutcome(event.target.value)}>${outcomes.map((each) => html`<option key=${each} value=${each}>${each || "success"}</option>`)}</select></div>`}
    <div className="field"><label htmlFor="connect-target">Step</label><select id="connect-target" name="target" className="input" data-first>${targets.map((each) => html`<option key=${each.name} value=${each.name}>${each.name} · ${each.title}</option>`)}</select></div>
    <div className="row"><button className="button primary" disabled=${!targets.length}>Connect</button></div></form><//>`;
}

const KEYS = [
  ["Home", "Go to the canvas (from anywhere on the page: F4)"], ["Arrows", "From step to step, along the lines and sideways"], ["Enter", "Edit the step"], ["F2", "Rename it, in the panel"],
  ["A", "Add a step after this one"], ["C", "Connect this step to another"], ["Delete", "Remove the chosen steps"], ["Space, Shift with arrows", "Choose several"],
  ["Ctrl C, X, V", "Copy, cut, paste steps, also between playbooks: they are YAML"], ["Alt with arrows", "Move a step on the canvas"], ["Ctrl Z, Ctrl Shift Z", "Undo, do again"], ["Ctrl S", "Save the draft"],
  ["#", "In a field: pick a variable"], ["Ctrl Space", "In a field: complete a path"], ["Escape", "Close the panel, back to the step"],
];

export function Help() {
  const help = useDesk((state) => state.help);
  if (!help) return null;
  return html`<${Dialog} title="Keys" onClose=${() => desk.set({ help: false })}><dl className="facts keys">${KEYS.map(([key, about]) => html`<dt key=${key}><kbd>${key}</kbd></dt><dd key=${about}>${about}</dd>`)}</dl><//>`;
}
