// Where things stand: at the positions of the document, else laid out by elk, which keeps the order of the document.
import { ELK } from "../vendor/canvas.min.js";
import { root } from "./base.js";

export const WIDTH = 236;
export const TRIGGER = "";
const BODY = 56;
const PORTS = 20;
const NOTE = 22;

export function heightOf(step) {
  return BODY + PORTS + (step.fields?.note ? NOTE : 0);
}

// The middles of a step's ports, from its left edge: error keeps to the right, one other stands in the middle.
export function portsOf(outcomes) {
  const usual = outcomes.filter((each) => each !== "error");
  const room = outcomes.includes("error") ? WIDTH * 0.82 : WIDTH;
  const places = usual.map((outcome, index) => ({
    outcome, x: usual.length === 1 ? WIDTH / 2 : (room * (index + 0.5)) / usual.length, room: room / usual.length,
  }));
  return outcomes.includes("error") ? [...places, { outcome: "error", x: WIDTH * 0.9, room: WIDTH * 0.2 }] : places;
}

let elk = null;
let made = { key: "", placed: null };

function described(sketch) {
  const children = sketch.steps.map((step) => ({
    id: `n:${step.name}`, width: WIDTH, height: heightOf(step),
    layoutOptions: { "elk.portConstraints": "FIXED_POS" },
    ports: [
      { id: `n:${step.name}>`, x: WIDTH / 2, y: 0, width: 0, height: 0, layoutOptions: { "elk.port.side": "NORTH" } },
      ...portsOf(step.outcomes).map(({ outcome, x }) => ({
        id: `n:${step.name}.${outcome}`, x, y: heightOf(step), width: 0, height: 0, layoutOptions: { "elk.port.side": "SOUTH" },
      })),
    ],
  }));
  if (sketch.trigger) {
    children.unshift({
      id: "t", width: WIDTH, height: BODY, layoutOptions: { "elk.portConstraints": "FIXED_POS" },
      ports: [{ id: "t.", x: WIDTH / 2, y: BODY, width: 0, height: 0, layoutOptions: { "elk.port.side": "SOUTH" } }],
    });
  }
  const edges = sketch.edges
    .filter((edge) => edge.source || sketch.trigger)
    .map((edge) => ({
      id: idOf(edge), sources: [edge.source ? `n:${edge.source}.${edge.outcome}` : "t."], targets: [`n:${edge.target}>`],
    }));
  return {
    id: "root", children, edges,
    layoutOptions: {
      "elk.algorithm": "layered", "elk.direction": "DOWN", "elk.edgeRouting": "ORTHOGONAL",
      "elk.layered.considerModelOrder.strategy": "NODES_AND_EDGES", "elk.spacing.nodeNode": "36", "elk.spacing.edgeNode": "20",
      "elk.layered.spacing.nodeNodeBetweenLayers": "52", "elk.layered.spacing.edgeNodeBetweenLayers": "20",
      "elk.layered.nodePlacement.strategy": "BRANDES_KOEPF", "elk.layered.nodePlacement.bk.fixedAlignment": "BALANCED",
      "elk.separateConnectedComponents": "false",
    },
  };
}

export const idOf = (edge) => `${edge.source}.${edge.outcome}>${edge.target}`;

// Give positions by name, and the bends of edges, as elk finds them; the last answer is kept.
async function automatic(sketch) {
  const asked = described(sketch);
  const key = JSON.stringify(asked);
  if (made.key === key) return made.placed;
  elk ??= new ELK({ workerUrl: root.dataset.elk });
  const found = await elk.layout(asked);
  const spots = new Map(found.children.map((each) => [each.id === "t" ? TRIGGER : each.id.slice(2), { x: each.x, y: each.y }]));
  const bends = new Map(
    found.edges.filter((each) => each.sections?.length).map((each) => {
      const [{ startPoint, bendPoints = [], endPoint }] = each.sections;
      return [each.id, [startPoint, ...bendPoints, endPoint]];
    }),
  );
  made = { key, placed: { spots, bends } };
  return made.placed;
}

const isSpot = (value) => Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);

function kept(sketch) {
  const spots = new Map();
  for (const [name, spot] of Object.entries(sketch.layout.steps ?? {})) {
    if (isSpot(spot)) spots.set(name, { x: spot[0], y: spot[1] });
  }
  return spots;
}

// Below what it comes after, and beside what stands there.
function beside(sketch, spots) {
  const taken = [...spots.values()];
  const before = new Map();
  for (const edge of sketch.edges) if (!before.has(edge.target)) before.set(edge.target, edge.source);
  for (const step of sketch.steps) {
    if (spots.has(step.name)) continue;
    const above = spots.get(before.get(step.name)) ?? { x: 0, y: 0 };
    const spot = { x: above.x, y: above.y + BODY + PORTS + 56 };
    while (taken.some((other) => Math.abs(other.x - spot.x) < WIDTH + 20 && Math.abs(other.y - spot.y) < BODY + PORTS + 20)) {
      spot.x += WIDTH + 36;
    }
    spots.set(step.name, spot);
    taken.push(spot);
  }
}

export async function place(sketch) {
  const spots = kept(sketch);
  if (!spots.size) return automatic(sketch);
  const above = Math.min(...[...spots.values()].map((spot) => spot.y));
  const first = sketch.edges.find((edge) => !edge.source && spots.has(edge.target));
  const { trigger } = sketch.layout;
  const free = { x: first ? spots.get(first.target).x : 0, y: above - BODY - 60 };
  if (sketch.trigger) spots.set(TRIGGER, isSpot(trigger) ? { x: trigger[0], y: trigger[1] } : free);
  beside(sketch, spots);
  return { spots, bends: new Map() };
}

export const isAutomatic = (sketch) => kept(sketch).size === 0;
