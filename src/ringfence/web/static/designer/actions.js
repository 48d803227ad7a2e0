// What the server says about actions, asked for once each.
import { ask, useEffect, useState } from "./base.js";

let listed = null;
const known = new Map();

function useAsked(get, otherwise) {
  const [found, setFound] = useState(otherwise);
  useEffect(() => {
    let wanted = true;
    get().then((said) => wanted && setFound(said), () => {});
    return () => {
      wanted = false;
    };
  }, [get]);
  return found;
}

const shapes = new Map();

async function list() {
  const found = await ask("/actions");
  for (const each of found) shapes.set(each.id, each.gives);
  return found;
}

const everything = () => (listed ??= list());

// The names of what an action gives, with kinds of values; null where it depends on the step, or is not known yet.
export const shapeGiven = (id) => shapes.get(id) ?? null;

export const useActions = () => useAsked(everything, []);

export function useAction(id) {
  const [found, setFound] = useState(null);
  useEffect(() => {
    let wanted = true;
    setFound(null);
    if (!known.has(id)) known.set(id, ask(`/actions/${encodeURIComponent(id)}`));
    known.get(id).then((said) => wanted && setFound(said), () => wanted && setFound({ unknown: true }));
    return () => {
      wanted = false;
    };
  }, [id]);
  return found;
}
