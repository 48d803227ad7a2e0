// Dialogs of a run: doing it again, ending it early, and the keys.
import { Button, ask, html, toast, useEffect, useRef, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Dialog } from "./dialogs.js";

const close = () => {
  const { selection } = desk.state;
  desk.set({ asking: null, focus: selection[0] ?? null });
};

export function RunDialog({ info }) {
  const asking = useDesk((state) => state.asking);
  if (!asking) return null;
  if (asking.kind === "keys") return html`<${Keys} />`;
  return asking.kind === "cancel" ? html`<${Cancel} />` : html`<${Again} info=${info} steps=${asking.steps} />`;
}

function Again({ info, steps }) {
  const [newest, setNewest] = useState(false);
  const [said, setSaid] = useState(null);
  const [refused, setRefused] = useState(null);
  const [busy, setBusy] = useState(false);
  // Who presses twice gets one run.
  const key = useRef(crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
  useEffect(() => {
    let wanted = true;
    setSaid(null);
    setRefused(null);
    const query = new URLSearchParams([...steps.map((each) => ["step", each]), ["newest", newest]]);
    ask(`/again?${query}`).then((found) => wanted && setSaid(found), (error) => wanted && setRefused(error));
    return () => {
      wanted = false;
    };
  }, [newest]);
  const begin = async () => {
    setBusy(true);
    try {
      const { go } = await ask("/again", { body: { steps, newest, key: key.current } });
      location.assign(go);
    } catch (error) {
      setRefused(error);
      setBusy(false);
    }
  };
  return html`<${Dialog} title=${steps.length ? `Run again from ${steps.join(", ")}` : "Run all of it again"} onClose=${close}>
    <fieldset className="marks"><legend className="label">Version</legend><div>
      <label><input type="radio" name="newest" checked=${!newest} onChange=${() => setNewest(false)} />The same, ${info.version}</label>
      <label><input type="radio" name="newest" checked=${newest} onChange=${() => setNewest(true)} />The newest</label></div></fieldset>
    ${refused && html`<p className="wrong tone-error" role="alert">${refused.message} ${refused.advice}</p>`}
    ${said ? html`<ul className="sentences">${said.sentences.map((each) => html`<li key=${each} className=${each.startsWith("These changed") ? "change-removed" : ""}>${each}</li>`)}</ul>` : !refused && html`<p className="faint">Looking at what it would do …</p>`}
    <div className="row"><${Button} primary icon="play" disabled=${busy || !said} onClick=${begin}>Run it again<//><${Button} plain onClick=${close}>Not now<//></div><//>`;
}

function Cancel() {
  const [reason, setReason] = useState("");
  const send = async (event) => {
    event.preventDefault();
    try {
      toast((await ask("/cancel", { body: { reason } })).words);
      close();
    } catch (refused) {
      toast([refused.message, refused.advice].join(" "));
    }
  };
  return html`<${Dialog} title="End it early" onClose=${close}><form className="form" onSubmit=${send}>
    <p>Nothing more is begun. What is at work is waited for; a host that is cut off stays so until it is released.</p>
    <div className="field"><label htmlFor="cancel-reason">Why does it end?</label><textarea id="cancel-reason" className="input" maxLength=${500} value=${reason} onChange=${(event) => setReason(event.target.value)}></textarea></div>
    <div className="row"><button className="button primary">Cancel the run</button><${Button} plain onClick=${close}>Let it go on<//></div></form><//>`;
}

const KEYS = [
  ["Home", "Go to the canvas (from anywhere on the page: F4)"], ["Arrows", "From step to step; the pane shows the one you are on"], ["Enter", "Go into the pane, to what the step did"],
  ["Escape", "From the pane back to the step; there: the whole run"], ["R", "Run it again, from the chosen step"], ["?", "These keys"],
];

function Keys() {
  return html`<${Dialog} title="Keys" onClose=${close}><dl className="facts keys">${KEYS.map(([key, about]) => html`<dt key=${key}><kbd>${key}</kbd></dt><dd key=${about}>${about}</dd>`)}</dl><//>`;
}
