// The test tab: what is on the canvas tried on an alert or a kept input, dry or really in the simulator; ends and outputs on the steps.
import { Button, Icon, ask, html, many, root, toast, useEffect, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Subjects, subjectOf } from "./picker.js";
import { idOf } from "./layout.js";
import { length } from "./times.js";
import { Value } from "./values.js";

const TONES = { succeeded: "done", failed: "bad", skipped: "quiet" };
const SIGNS = { succeeded: "circle-check", failed: "circle-x", skipped: "skip-forward" };
const WORDS = { computed: "computed", read: "read", mocked: "mocked", described: "only described", skipped: "skipped", impossible: "impossible", played: "carried out in the simulator" };
const WAYS = [
  ["dry", "Dry run", "Dry run", "Reads for real; nothing else is sent."],
  ["real", "In the simulator", "Play it in the simulator", "Every step is carried out, against a simulated tenant that is thrown away. Hours pass in seconds; nothing real is touched."],
];

// The report, as the canvas shows it: each step's end, what it gave, and the lines that were taken.
function drawn({ report, on, ...more }, sketch, way) {
  const steps = {}, outputs = {};
  for (const each of report.steps) {
    const before = steps[each.step];
    const title = [WORDS[each.how], ...each.said, each.error].filter(Boolean).join(" · ");
    const mine = { status: each.status, tone: TONES[each.status] ?? "quiet", icon: SIGNS[each.status], word: each.end === "success" ? "done" : each.end, title: before ? `${before.title}\n${title}` : title };
    // Of the items of a loop, one that failed says most.
    steps[each.step] = before?.status === "failed" ? { ...before, title: mine.title } : mine;
    if (each.output !== null) outputs[each.step] ??= each.output;
  }
  const taken = new Set(sketch.edges.filter((edge) => {
    const to = steps[edge.target];
    if (!to || to.status === "skipped") return false;
    const from = steps[edge.source];
    return edge.source === "" || (from && from.status !== "skipped" && (edge.outcome === "" ? from.status === "succeeded" : from.word === edge.outcome));
  }).map(idOf));
  return { trial: { report, outputs, on, way, ...more }, seen: { steps, taken } };
}

export function Trial() {
  const trial = useDesk((state) => state.trial);
  const playing = useDesk((state) => state.playing);
  const may = useDesk((state) => state.info.may.try);
  const [subject, setSubject] = useState("");
  const [way, setWay] = useState("dry");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState(null);
  const run = async (event) => {
    event.preventDefault();
    setBusy(true);
    setRefused(null);
    try {
      await desk.settled();
      const { source, sketch } = desk.state;
      const body = { source, ...subjectOf(subject) };
      if (way === "dry") desk.set(drawn(await ask("/try", { body }), sketch, way));
      else await follow((await ask("/play", { body })).trial);
    } catch (error) {
      setRefused(error);
    }
    setBusy(false);
  };
  const choose = (id) => {
    setWay(id);
    // While somebody chooses an alert, a worker gets ready.
    if (id === "real" && may) ask("/play/expect", { body: {} }).catch(() => {});
  };
  const [, , title, about] = WAYS.find(([id]) => id === way);
  return html`<div className="panel form">
    <header className="panel-head"><span className="step-icon"><${Icon} name="flask-conical" /></span><div><h2>Try it</h2><p className="faint">What is on the canvas, saved or not.</p></div></header>
    <form className="form" onSubmit=${run}>
      <fieldset className="marks"><legend className="label">How</legend><div>${WAYS.map(([id, word]) => html`<label key=${id}><input type="radio" name="way" checked=${way === id} onChange=${() => choose(id)} />${word}</label>`)}</div><p className="hint">${about}</p></fieldset>
      <div className="field"><label htmlFor="trial-on">On</label><${Subjects} id="trial-on" value=${subject} none="Choose an alert or a kept input" onChange=${setSubject} required /></div>
      <div className="row"><button className="button primary" disabled=${busy || Boolean(playing) || !subject || !may}><${Icon} name="play" />${busy || playing ? "Running …" : title}</button>
        ${trial && !playing && html`<${Button} plain onClick=${() => desk.set({ trial: null, seen: null })}>Clear<//>`}
        <a className="button plain" href=${`/playbooks/${root.dataset.playbook}/try`}><${Icon} name="history" />Backtest</a></div>
    </form>
    ${refused && html`<div className="wrong tone-error" role="alert"><p>${refused.message} ${refused.advice}</p>${refused.problems?.map((each) => html`<p key=${each}>${each}</p>`)}</div>`}
    ${playing && html`<${Waiting} playing=${playing} may=${may} />`}
    ${trial && html`<${Result} trial=${trial} />`}
    <${Proof} may=${may} />
  </div>`;
}

// A worker plays it; what it says comes by the change feed.
async function follow(id) {
  desk.set({ playing: { id, words: "It waits for a worker." }, trial: null, seen: null });
  const look = async () => {
    const said = await ask(`/play/${id}`);
    if (desk.state.playing?.id !== id) return true;
    if (said.open) {
      desk.set({ playing: { id, words: said.state === "working" ? "A worker plays it." : "It waits for a worker." } });
      return false;
    }
    desk.set({ playing: null, ...(said.found ? drawn(said.found, desk.state.sketch, "real") : {}) });
    if (!said.found) toast(said.state === "cancelled" ? "It was cancelled." : said.detail);
    return true;
  };
  const stream = new EventSource(`/events?topics=trial:${id}`);
  const told = () => look().then((over) => over && stream.close(), (error) => {
    stream.close();
    desk.set({ playing: null });
    toast([error.message, error.advice].join(" "));
  });
  // The first message comes once the stream is there: nothing falls between.
  for (const name of ["snapshot", "changed"]) stream.addEventListener(name, told);
}

function Waiting({ playing, may }) {
  const cancel = () => ask(`/play/${playing.id}/cancel`, { body: {} }).catch((error) => toast(error.message));
  return html`<div className="row" role="status"><span className="toned tone-moving"><${Icon} name="activity" />${playing.words}</span>${may && html`<${Button} plain icon="ban" onClick=${cancel}>Cancel<//>`}</div>`;
}

// Does it let go what it cuts off? What is proven here is proven when it is published.
function Proof({ may }) {
  const source = useDesk((state) => state.source);
  const [said, setSaid] = useState(null);
  useEffect(() => {
    let wanted = true;
    const timer = setTimeout(() => ask("/proven", { body: { source } }).then((found) => wanted && setSaid(found), () => {}), 400);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [source]);
  if (!said?.holds) return null;
  const { proof } = said;
  const prove = () => ask("/prove", { body: { source } }).then(async ({ go }) => {
    if (!desk.dirty || (await desk.save())) location.assign(go);
  }, (error) => toast([error.message, error.advice].join(" ")));
  const [tone, icon, words] = !proof ? ["warn", "circle-alert", "Nobody has tried whether it lets go what it cuts off."] : proof.open ? ["moving", "activity", "It is being tried whether it lets go what it cuts off."]
    : proof.proven ? ["done", "circle-check", "What it cuts off was seen to be let go again, in the simulator."] : ["bad", "circle-x", "It was not seen to let go what it cuts off."];
  return html`<section className="proof-said"><h3>Proof of release</h3><p className=${`toned tone-${tone}`}><${Icon} name=${icon} />${words}</p>
    <div className="row">${proof && html`<a className="button" href=${`/playbooks/${root.dataset.playbook}/trials/${proof.id}`}><${Icon} name="eye" />What was seen</a>`}
      ${may && !proof?.open && html`<${Button} icon="play" onClick=${prove}>${proof ? "Prove it again" : "Prove it"}<//>`}</div></section>`;
}

function Result({ trial }) {
  const { report } = trial;
  const chosen = useDesk((state) => (state.selection.length === 1 ? state.selection[0] : null));
  const seen = report.steps.filter((each) => each.status !== "skipped");
  return html`<div className="form" role="status">
    <p><strong className="ended">${report.status.replace("_", " ")}</strong>, ${many(seen.length, "step")}. ${report.error}</p>
    ${trial.starts !== null && trial.starts !== undefined && html`<p>${trial.starts ? "The trigger would start it." : html`<strong>As this is now, the trigger would not start it.</strong> ${trial.why}`}</p>`}
    <p className="about on">${trial.on}</p>
    ${trial.way === "real" && html`<p className="faint">Played on ${trial.machine}, a simulated host; ${length(trial.lasted)} went by until all was over.</p>`}
    ${trial.notes?.length > 0 && html`<ul className="sentences">${trial.notes.map((each) => html`<li key=${each}>${each}</li>`)}</ul>`}
    <ul className="trial-steps">${report.steps.map((each, index) => html`<li key=${index}><details open=${each.step === chosen || undefined}>
      <summary onClick=${() => desk.set({ selection: [each.step] })}><span className="mono">${each.step}${each.round ? ` · ${each.round}` : ""}</span><span className=${`badge tone-${TONES[each.status] ?? "quiet"}`}>${SIGNS[each.status] && html`<${Icon} name=${SIGNS[each.status]} />`}${each.end}</span></summary>
      <p className="faint">${WORDS[each.how] ?? each.how}</p>
      ${each.said.map((words) => html`<p key=${words}>${words}</p>`)}
      ${each.error && html`<p className="wrong tone-error">${each.error}</p>`}
      ${each.unsure.length > 0 && html`<p className="faint">Looks at what was only described: ${each.unsure.join(", ")}</p>`}
      ${each.input !== null && html`<h3>Input</h3><${Value} value=${each.input} title=${`Input of ${each.step}`} />`}
      ${each.output !== null && html`<h3>Output</h3><${Value} value=${each.output} path=${`steps.${each.step}`} title=${`Output of ${each.step}`} />`}
    </details></li>`)}</ul></div>`;
}
