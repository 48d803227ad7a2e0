// What earlier steps really produced, on a chosen alert: what expressions are completed from, and previewed on.
import { ask, useEffect } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { shapeGiven } from "./actions.js";
import { calledBy } from "./calling.js";

const DEEPEST = 6;
const MOST = 600;
const PLAIN = /^[A-Za-z_][A-Za-z0-9_]*$/;

let asked = null;

export function useSample() {
  const sample = useDesk((state) => state.sample);
  useEffect(() => {
    if (!desk.state.sample && !asked) choose({});
  }, []);
  return sample;
}

// By an alert of the queue, a kept profile, or whatever there is.
export async function choose(on) {
  const query = new URLSearchParams(Object.entries(on).filter(([, value]) => value));
  asked = ask(`/sample?${query}`).then(
    (sample) => desk.set({ sample: { ...sample, asked: on } }),
    (refused) => desk.set({ sample: { document: {}, on: "", alerts: [], profiles: [], error: refused.message, asked: on } }),
  );
  await asked;
}

export const quoted = (key) => (PLAIN.test(key) ? key : `"${key.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`);

// Steps of a later kind cannot be looked at: only those before are offered.
export function before(sketch, step) {
  const found = new Set();
  const todo = [step];
  while (todo.length) {
    const name = todo.pop();
    for (const edge of sketch.edges) {
      if (edge.target === name && edge.source && !found.has(edge.source)) {
        found.add(edge.source);
        todo.push(edge.source);
      }
    }
  }
  return found;
}

// What it will be is not known (undefined, which null is not), only by which names.
function unknown(shape) {
  if (Array.isArray(shape)) return shape.map(unknown);
  if (shape === null || typeof shape !== "object") return undefined;
  return Object.fromEntries(Object.entries(shape).map(([name, inner]) => [name, unknown(inner)]));
}

// A step that never ran here gives what its action, or the component that it calls, says it does.
function promised(step) {
  if (!step) return undefined;
  const called = calledBy(step);
  const given = called ? unknown(Object.fromEntries(Object.keys(called.outputs).map((name) => [name, ""]))) : unknown(shapeGiven(step.action));
  return step.fields.for_each === undefined ? given : { count: undefined, results: [given], failed: [{ index: undefined, error: undefined }] };
}

export function documentFor(sample, trial, sketch, step) {
  const whole = sample?.document ?? {};
  const there = step ? before(sketch, step) : new Set(sketch.steps.map((each) => each.name));
  const steps = {};
  for (const name of there) steps[name] = trial?.outputs[name] ?? whole.steps?.[name] ?? promised(sketch.steps.find((each) => each.name === name));
  return { ...whole, steps };
}

// All paths with what stands there, shortest first.
export function paths(document) {
  const found = [];
  const walk = (value, path, depth) => {
    if (found.length >= MOST || depth > DEEPEST) return;
    if (path) found.push({ path, value });
    if (Array.isArray(value)) {
      if (value.length && typeof value[0] === "object") walk(value[0], `${path}[0]`, depth + 1);
    } else if (value && typeof value === "object") {
      for (const [key, inner] of Object.entries(value)) walk(inner, path ? `${path}.${quoted(key)}` : quoted(key), depth + 1);
    }
  };
  walk(document, "", 0);
  return found;
}

// The names that can follow a path that is being typed: [start of what is typed, what fits].
export function completions(document, text) {
  const typed = /(?:^|[^\w."\][])((?:[A-Za-z_]\w*|"[^"]*")(?:\.(?:[A-Za-z_]\w*|"[^"]*")|\[\d+\])*\.?)?("?[\w.]*)$/.exec(text);
  const match = /((?:(?:[A-Za-z_]\w*|"[^"]+")(?:\[\d*\])*\.)*)("?[^".\s()[\],|&=<>!`']*)$/.exec(text);
  if (!match || !typed) return null;
  const [, path, last] = match;
  let at = document;
  for (const [, name, index] of path.matchAll(/([A-Za-z_]\w*|"[^"]+")|\[(\d*)\]/g)) {
    if (at === null || at === undefined) return null;
    at = name !== undefined ? at[name.replaceAll('"', "")] : Array.isArray(at) ? at[Number(index || 0)] : undefined;
  }
  if (Array.isArray(at)) at = at[0];
  if (!at || typeof at !== "object") return null;
  const wanted = last.replace(/^"/, "").toLowerCase();
  const names = Object.keys(at).filter((key) => key.toLowerCase().startsWith(wanted) && key !== wanted);
  return { start: text.length - last.length, options: names.slice(0, 60).map((key) => ({ insert: quoted(key), word: key, value: at[key] })) };
}
