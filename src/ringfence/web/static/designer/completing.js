// What can stand where the caret is in a playbook: keys of the level, actions and their parameters, steps and outcomes, paths.
import { ask } from "./base.js";
import { desk } from "./desk.js";
import { completions, documentFor } from "./sample.js";
import { asEntry } from "./words.js";

const TOP = ["ringfence", "kind", "name", "description", "log_level", "minutes_saved", "timeout", "limits", "trigger", "inputs", "outputs", "steps", "tests", "layout"];
const STEP = ["after", "action", "with", "join", "if", "for_each", "parallel", "retry", "timeout", "on_error", "note", "mask", "mock"];
const TRIGGER = ["type", "name", "service", "account", "status", "severity", "category", "changes", "where", "run_per", "window", "gather", "max_historical_poll_start", "poll_interval"];
const VALUES = {
  type: ["defender.alert", "webhook", "timer", "mailbox", "service", "change", "error", "manual"], join: ["all", "any"], kind: ["playbook", "component", "workflow"],
  log_level: ["error", "warn", "info", "debug", "trace"], status: ["All", "Unknown", "New", "InProgress", "Resolved"], run_per: ["alert", "machine", "incident"],
  severity: ["All", "UnSpecified", "Informational", "Low", "Medium", "High"],
};

let actions = null;

// The keys above a line, from the outside in, by indentation alone: the text may be half written.
export function above(lines, at) {
  const found = [];
  let column = lines[at].search(/\S|$/);
  for (let index = at - 1; index >= 0 && column > 0; index -= 1) {
    const match = /^(\s*)(?:- )?([\w.-]+|"[^"]*"):/.exec(lines[index]);
    if (!match || match[1].length >= column) continue;
    column = match[1].length;
    found.unshift(match[2].replaceAll('"', ""));
  }
  return found;
}

function actionOf(lines, at) {
  const column = lines[at].search(/\S|$/);
  for (const way of [-1, 1]) {
    for (let index = at + way; index >= 0 && index < lines.length; index += way) {
      const found = lines[index].search(/\S/);
      if (found >= 0 && found <= 2) break;
      const match = /^\s*action:\s*([\w.]+)/.exec(lines[index]);
      if (match && found < column) return match[1];
    }
  }
  return null;
}

export async function completing(context) {
  const { state, pos } = context;
  const line = state.doc.lineAt(pos);
  const text = line.text.slice(0, pos - line.from);
  const lines = state.doc.toString().split("\n");
  const at = line.number - 1;
  const path = above(lines, at);
  const open = text.lastIndexOf("${");
  if (open >= 0 && !text.slice(open).includes("}")) {
    const { sample, trial, sketch } = desk.state;
    const found = completions(documentFor(sample, trial, sketch, path[0] === "steps" ? path[1] : null), text.slice(open + 2));
    return found && { from: line.from + open + 2 + found.start, options: found.options.map((each) => ({ label: each.word, apply: each.insert, type: "property" })) };
  }
  const valued = /^(\s*)(?:- )?([\w.-]+):\s*[[{]?(?:[^,\]]*,)*\s*([\w.]*)$/.exec(text);
  if (valued) return values(valued[2], line.from + text.length - valued[3].length, path);
  const typed = /^\s*([\w]*)$/.exec(text);
  if (!typed || (!typed[1] && !context.explicit)) return null;
  const options = await keys(path, lines, at);
  return options && { from: pos - typed[1].length, options };
}

async function values(key, from, path) {
  const { sketch } = desk.state;
  actions ??= ask("/actions");
  if (key === "action") return { from, options: (await actions).map((each) => ({ label: each.id, detail: each.title, info: each.summary, type: "function" })) };
  if (key === "after" || key === "on_error") {
    const own = path[1];
    const entries = sketch.steps.filter((each) => each.name !== own).flatMap((each) => (key === "after" ? ["", ...each.outcomes.filter(Boolean)] : [""]).map((outcome) => asEntry(each.name, outcome)));
    return { from, options: [...new Set(entries)].map((label) => ({ label, type: "variable" })), validFor: /^[\w.]*$/ };
  }
  const known = VALUES[key];
  return known ? { from, options: known.map((label) => ({ label, type: "enum" })) } : null;
}

async function keys(path, lines, at) {
  const key = (label, detail) => ({ label, detail, apply: `${label}: `, type: "property" });
  if (path.length === 0) return TOP.map((each) => key(each));
  if (path[0] === "trigger" && path.length === 1) return TRIGGER.map((each) => key(each));
  if (path[0] === "steps" && path.length === 2) return STEP.map((each) => key(each));
  if (path[0] === "steps" && path.length === 3 && path[2] === "with") {
    const id = actionOf(lines, at);
    const action = id && (await ask(`/actions/${encodeURIComponent(id)}`).catch(() => null));
    return action ? Object.entries(action.inputs.properties ?? {}).map(([name, schema]) => key(name, schema.description)) : null;
  }
  return null;
}
