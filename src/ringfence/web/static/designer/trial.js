// The test tab: a dry run on a stored alert or a kept input, its outcomes and outputs on the steps.
import { Button, Icon, ask, html, many, root, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Subjects, subjectOf } from "./picker.js";
import { idOf } from "./layout.js";
import { short } from "./words.js";

const TONES = { succeeded: "done", failed: "bad", skipped: "quiet" };
const SIGNS = { succeeded: "circle-check", failed: "circle-x", skipped: "skip-forward" };
const WORDS = { computed: "computed", read: "read", mocked: "mocked", described: "only described", skipped: "skipped", impossible: "impossible" };

// The report, as the canvas shows it: each step's end, what it gave, and the lines that were taken.
function drawn(report, sketch, on) {
  const steps = {}, outputs = {};
  for (const each of report.steps) {
    const before = steps[each.step];
    const title = [WORDS[each.how], ...each.said, each.error].filter(Boolean).join(" · ");
    steps[each.step] = { status: each.status, tone: TONES[each.status] ?? "quiet", icon: SIGNS[each.status], word: each.end === "success" ? "done" : each.end, title: before ? `${before.title}\n${title}` : title };
    if (each.output !== null) outputs[each.step] ??= each.output;
  }
  const taken = new Set(sketch.edges.filter((edge) => {
    const to = steps[edge.target];
    if (!to || to.status === "skipped") return false;
    const from = steps[edge.source];
    return edge.source === "" || (from && from.status !== "skipped" && (edge.outcome === "" ? from.status === "succeeded" : from.word === edge.outcome));
  }).map(idOf));
  return { trial: { report, outputs, on }, seen: { steps, taken } };
}

export function Trial() {
  const trial = useDesk((state) => state.trial);
  const may = useDesk((state) => state.info.may.try);
  const [subject, setSubject] = useState("");
  const [busy, setBusy] = useState(false);
  const [refused, setRefused] = useState(null);
  const run = async (event) => {
    event.preventDefault();
    setBusy(true);
    setRefused(null);
    try {
      const { source, sketch } = desk.state;
      const found = await ask("/try", { body: { source, ...subjectOf(subject) } });
      const { trial, seen } = drawn(found.report, sketch, found.on);
      desk.set({ trial: { ...trial, starts: found.starts, why: found.why }, seen });
    } catch (error) {
      setRefused(error);
    }
    setBusy(false);
  };
  return html`<div className="panel form">
    <header className="panel-head"><span className="step-icon"><${Icon} name="flask-conical" /></span><div><h2>Dry run</h2><p className="faint">Reads for real; nothing else is sent.</p></div></header>
    <form className="form" onSubmit=${run}>
      <div className="field"><label htmlFor="trial-on">On</label><${Subjects} id="trial-on" value=${subject} none="Choose an alert or a kept input" onChange=${setSubject} required /></div>
      <div className="row"><button className="button primary" disabled=${busy || !subject || !may}><${Icon} name="play" />${busy ? "Running …" : "Dry run"}</button>
        ${trial && html`<${Button} plain onClick=${() => desk.set({ trial: null, seen: null })}>Clear<//>`}
        <a className="button plain" href=${`/playbooks/${root.dataset.playbook}/try`}><${Icon} name="history" />Backtest</a></div>
    </form>
    ${refused && html`<div className="wrong tone-error" role="alert"><p>${refused.message} ${refused.advice}</p>${refused.problems?.map((each) => html`<p key=${each}>${each}</p>`)}</div>`}
    ${trial && html`<${Result} trial=${trial} />`}
  </div>`;
}

function Result({ trial }) {
  const { report } = trial;
  const chosen = useDesk((state) => (state.selection.length === 1 ? state.selection[0] : null));
  const seen = report.steps.filter((each) => each.status !== "skipped");
  return html`<div className="form" role="status">
    <p>${trial.starts === false ? html`<strong>The trigger would not have started it.</strong> ${trial.why}` : trial.starts ? "The trigger would have started it." : ""} On ${trial.on}: <strong>${report.status.replace("_", " ")}</strong>, ${many(seen.length, "step")}. ${report.error}</p>
    <ul className="trial-steps">${report.steps.map((each, index) => html`<li key=${index}><details open=${each.step === chosen || undefined}>
      <summary onClick=${() => desk.set({ selection: [each.step] })}><span className="mono">${each.step}${each.iteration ? ` · ${each.iteration}` : ""}</span><span className=${`badge tone-${TONES[each.status] ?? "quiet"}`}>${each.end}</span></summary>
      <p className="faint">${WORDS[each.how] ?? each.how}</p>
      ${each.said.map((words) => html`<p key=${words}>${words}</p>`)}
      ${each.error && html`<p className="wrong tone-error">${each.error}</p>`}
      ${each.unsure.length > 0 && html`<p className="faint">Looks at what was only described: ${each.unsure.join(", ")}</p>`}
      ${each.input !== null && html`<h4>Input</h4><pre tabIndex="0">${pretty(each.input)}</pre>`}
      ${each.output !== null && html`<h4>Output</h4><pre tabIndex="0">${pretty(each.output)}</pre>`}
    </details></li>`)}</ul></div>`;
}

const pretty = (value) => {
  const text = JSON.stringify(value, null, 2);
  return text.length > 6000 ? `${text.slice(0, 6000)}\n… ${short(`${text.length} characters in all`)}` : text;
};
