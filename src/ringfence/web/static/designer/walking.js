// Where an arrow leads: up and down along the lines, left and right among steps that stand beside.
import { TRIGGER } from "./layout.js";

export function walk(sketch, spots, from, key) {
  const at = spots.get(from);
  if (!at) return null;
  const nearest = (names) =>
    [...new Set(names)].filter((name) => name !== from && spots.has(name))
      .sort((a, b) => Math.abs(spots.get(a).x - at.x) - Math.abs(spots.get(b).x - at.x))[0] ?? null;
  const beside = (side) => {
    const there = [...spots].filter(([name, spot]) => name !== from && Math.sign(spot.x - at.x) === side && Math.abs(spot.y - at.y) < 90);
    const far = ([, spot]) => Math.abs(spot.x - at.x) + 3 * Math.abs(spot.y - at.y);
    return there.sort((a, b) => far(a) - far(b))[0]?.[0] ?? null;
  };
  switch (key) {
    case "ArrowDown": return nearest(sketch.edges.filter((edge) => edge.source === from).map((edge) => edge.target));
    case "ArrowUp": return nearest(sketch.edges.filter((edge) => edge.target === from).map((edge) => edge.source));
    case "ArrowLeft": return beside(-1);
    case "ArrowRight": return beside(1);
    case "Home": return sketch.trigger ? TRIGGER : sketch.steps[0]?.name ?? null;
    case "End": return sketch.steps.at(-1)?.name ?? null;
    default: return null;
  }
}
