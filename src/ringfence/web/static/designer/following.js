// A run as it goes on: asked for at the start, and again with each change that the feed tells of it.
import { ask, announce } from "./base.js";
import { desk } from "./desk.js";
import { idOf } from "./layout.js";
import { between } from "./times.js";

const AT_MOST_EVERY = 400;
const OVER = new Set(["succeeded", "failed", "skipped", "cancelled"]);
const WITHOUT = { status: "pending", word: "Not started", tone: "quiet", icon: "circle-dashed", attempt: 0, items: [], error: "" };

// How a line stands: whether the run went that way, can no longer go it, or nobody knows yet.
function way(edge, steps) {
  const to = steps[edge.target] ?? WITHOUT;
  if (!edge.source) return to.status === "pending" ? "open" : to.status === "skipped" ? "dead" : "taken";
  const from = steps[edge.source] ?? WITHOUT;
  if (edge.outcome === "each") return to.items.length || to.started_at ? "taken" : OVER.has(from.status) ? "dead" : "open";
  if (!OVER.has(from.status)) return "open";
  if (to.status === "skipped" || from.status === "skipped" || from.status === "cancelled") return "dead";
  if (from.items.length && to.items.length) return to.status === "pending" ? "open" : "taken";
  if (from.status === "failed") return edge.outcome === "error" ? "taken" : "dead";
  return edge.outcome !== "error" && ["", "done", from.outcome].includes(edge.outcome) ? "taken" : "dead";
}

function said(step) {
  const words = [];
  if (!step.items.length && step.started_at && step.finished_at && step.status !== "skipped") words.push(between(step.started_at, step.finished_at));
  if (step.attempt > 1 && !step.items.length) words.push(`${step.attempt} attempts`);
  return words.join(" · ");
}

function drawn(sketch, steps) {
  const shown = {};
  for (const { name } of sketch.steps) {
    const step = steps[name] ?? WITHOUT;
    const open = step.started_at && !step.finished_at && !OVER.has(step.status);
    const ended = step.outcome && !["success", "done"].includes(step.outcome) ? step.outcome : step.word;
    shown[name] = {
      status: step.status, tone: step.tone, icon: step.icon, word: ended, said: said(step), items: step.items, since: open && !step.items.length ? step.started_at : undefined,
      title: [step.word, step.outcome, step.error].filter(Boolean).join(" · "),
    };
  }
  const ways = sketch.edges.map((edge) => [idOf(edge), way(edge, steps)]);
  const of = (kind) => new Set(ways.filter(([, each]) => each === kind).map(([id]) => id));
  return { steps: shown, taken: of("taken"), dead: of("dead") };
}

let asked = null;
let again = false;

export async function refresh() {
  if (asked) {
    again = true;
    return;
  }
  asked = ask("/state");
  try {
    const { run, steps, number } = await asked;
    const was = desk.state.run;
    desk.set({ run, standing: steps, number, seen: drawn(desk.state.sketch, steps) });
    if (was && was.status !== run.status) announce(`The run: ${run.word}.`);
  } catch (refused) {
    desk.set({ stream: "lost", lost: [refused.message, refused.advice].join(" ") });
  }
  setTimeout(() => {
    asked = null;
    if (again) {
      again = false;
      refresh();
    }
  }, AT_MOST_EVERY);
}

// The browser connects again by itself, and says from which number on it wants to hear.
export function follow(run) {
  const stream = new EventSource(`/events?topics=run:${run}&after=${desk.state.number}`);
  stream.addEventListener("changed", refresh);
  stream.addEventListener("snapshot", () => desk.set({ stream: "live", lost: "" }));
  stream.addEventListener("error", () => {
    desk.set({ stream: "lost", lost: "Reconnecting…" });
    if (stream.readyState === EventSource.CLOSED) refresh();
  });
  window.addEventListener("pagehide", () => stream.close(), { once: true });
}

export async function open(run) {
  const { sketch, ...info } = await ask("/document");
  desk.set({ info, sketch, checked: true });
  await refresh();
  follow(run);
}
