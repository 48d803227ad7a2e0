// The canvas: the steps where they stand, dragging, connecting, choosing, and all of it by keyboard.
import {
  Background, BackgroundVariant, MiniMap, ReactFlow, applyNodeChanges, useReactFlow, useStore,
} from "../vendor/canvas.min.js";
import { Button, announce, html, many, useCallback, useEffect, useMemo, useRef, useState } from "./base.js";
import { desk, drawnOf, useDesk } from "./desk.js";
import { FarNode, Line, StepNode, TriggerNode } from "./nodes.js";
import { TRIGGER, WIDTH, heightOf, idOf, isAutomatic, place, portsOf } from "./layout.js";
import { TRIGGERS, asEntry } from "./words.js";
import { walk } from "./walking.js";

export const TRIGGER_ID = "t";
export const nodeId = (name) => (name === TRIGGER ? TRIGGER_ID : `n:${name}`);
export const nameOf = (id) => (id === TRIGGER_ID ? TRIGGER : id.slice(2));
const NODES = { step: StepNode, trigger: TriggerNode };
const FAR_NODES = { step: FarNode, trigger: FarNode };
const LINES = { line: Line };
const NONE = [];
const FARTHEST = 0.05;
// Below this size nothing of a step can be read: only its shape is drawn.
const LEGIBLE = 0.3;

export function edit(name, more = {}) {
  const { compared, sketch } = desk.state;
  if (compared && (compared.after || (name !== TRIGGER && !sketch.steps.some((each) => each.name === name)))) return;
  desk.set({ ...(compared ? { tab: "canvas", compared: null } : {}), editing: name === TRIGGER ? { kind: "trigger" } : { kind: "step", name, ...more }, pane: "edit", selection: [name] });
}

function usePlaces(sketch) {
  const [places, setPlaces] = useState({ spots: new Map(), bends: new Map() });
  useEffect(() => {
    let wanted = true;
    place(sketch).then((found) => wanted && setPlaces(found));
    return () => {
      wanted = false;
    };
  }, [sketch]);
  return places;
}

function described(step, problems, wired, seen, marks) {
  const said = [`Step ${step.name}, ${step.title}`];
  if (seen) said.push([seen.word, ...(seen.items ?? []).map((each) => `${each.number} ${each.word.toLowerCase()}`), seen.said].filter(Boolean).join(", "));
  if (marks) said.push(marks.join(", "));
  if (problems.length) said.push(many(problems.length, "problem"));
  if (wired.length) said.push(`then ${[...new Set(wired)].join(", ")}`);
  return said.join("; ");
}

// Of 400 steps one is changed: the others are not looked through again and again.
const texts = new WeakMap();
function textOf(step) {
  if (!texts.has(step)) texts.set(step, JSON.stringify(step));
  return texts.get(step);
}

function useNodes(sketch, places) {
  const problems = useDesk((state) => state.problems);
  const selection = useDesk((state) => state.selection);
  const editing = useDesk((state) => state.editing);
  const seen = useDesk((state) => state.seen);
  const compared = useDesk((state) => state.compared);
  const kept = useRef(new Map());
  return useMemo(() => {
    const byStep = new Map();
    for (const problem of compared ? NONE : problems) {
      const key = problem.step ?? (problem.field?.startsWith("trigger") ? TRIGGER : null);
      if (key !== null) byStep.set(key, [...(byStep.get(key) ?? NONE), problem]);
    }
    const leaving = new Map();
    for (const edge of sketch.edges) leaving.set(edge.source, [...(leaving.get(edge.source) ?? NONE), edge]);
    const chosen = new Set(selection);
    const made = new Map();
    const add = (id, type, spot, height, data, label, ports) => {
      const { step, ...rest } = data;
      const key = `${step ? textOf(step) : ""} ${JSON.stringify([spot, height, rest, label, chosen.has(nameOf(id))])}`;
      const old = kept.current.get(id);
      const wired = new Set((leaving.get(nameOf(id)) ?? NONE).map((edge) => edge.outcome));
      made.set(id, old?.key === key ? old : {
        key,
        node: {
          id, type, position: spot, width: WIDTH, height, measured: { width: WIDTH, height }, selected: chosen.has(nameOf(id)),
          data: { ...data, wired }, ariaLabel: label, deletable: false,
          handles: ports,
        },
      });
    };
    const writable = desk.drawable;
    if (sketch.trigger && places.spots.has(TRIGGER)) {
      const word = TRIGGERS[sketch.trigger.type]?.word ?? "Trigger";
      add(TRIGGER_ID, "trigger", places.spots.get(TRIGGER), 56,
        { trigger: sketch.trigger, problems: byStep.get(TRIGGER) ?? NONE, marks: compared?.marks[TRIGGER] ?? NONE, writable, editing: editing?.kind === "trigger" }, `Trigger: ${word}`,
        [{ id: "success", type: "source", position: "bottom", x: WIDTH / 2 - 4, y: 52, width: 8, height: 8 }]);
    }
    for (const step of sketch.steps) {
      const spot = places.spots.get(step.name);
      if (!spot) continue;
      const height = heightOf(step);
      const own = byStep.get(step.name) ?? NONE;
      const out = leaving.get(step.name) ?? NONE;
      add(`n:${step.name}`, "step", spot, height,
        { step, problems: own, writable, seen: seen?.steps[step.name], marks: compared?.marks[step.name] ?? NONE, editing: editing?.kind === "step" && editing.name === step.name, out: out.map((edge) => edge.outcome) },
        described(step, own, out.map((edge) => edge.target), seen?.steps[step.name], compared?.marks[step.name]),
        [
          { id: null, type: "target", position: "top", x: WIDTH / 2 - 4, y: -4, width: 8, height: 8 },
          ...portsOf(step.outcomes).map(({ outcome, x }) => ({ id: outcome || "success", type: "source", position: "bottom", x: x - 4, y: height - 4, width: 8, height: 8 })),
        ]);
    }
    kept.current = made;
    return [...made.values()].map(({ node }) => node);
  }, [sketch, places, problems, selection, editing, seen, compared]);
}

function useEdges(sketch, places) {
  const seen = useDesk((state) => state.seen);
  const compared = useDesk((state) => state.compared);
  return useMemo(
    () => sketch.edges
      .filter((edge) => places.spots.has(edge.target) && places.spots.has(edge.source))
      .map((edge) => ({
        id: idOf(edge), source: nodeId(edge.source), target: nodeId(edge.target), sourceHandle: edge.outcome || "success", targetHandle: null,
        type: "line", data: { edge, bends: places.bends.get(idOf(edge)) }, ariaLabel: `From ${edge.source || "the trigger"}${edge.outcome ? `, ${edge.outcome},` : ""} to ${edge.target}`, focusable: false, reconnectable: edge.source !== "",
        className: [edge.outcome === "error" ? "error" : "", seen?.taken.has(idOf(edge)) ? "taken" : "", seen?.dead?.has(idOf(edge)) ? "dead" : "", compared?.ways.get(idOf(edge)) ?? ""].join(" "),
      })),
    [sketch, places, seen, compared],
  );
}

// What is not looked at first, such as 400 small steps, waits for what is.
function useSettled(ready) {
  const [settled, setSettled] = useState(false);
  useEffect(() => {
    if (!ready || settled) return undefined;
    const wait = window.requestIdleCallback ?? ((go) => setTimeout(go, 200));
    const asked = wait(() => setSettled(true), { timeout: 1000 });
    return () => (window.cancelIdleCallback ?? clearTimeout)(asked);
  }, [ready, settled]);
  return settled;
}

export function Canvas({ readable = READABLE }) {
  const sketch = useDesk(drawnOf);
  const focus = useDesk((state) => state.focus);
  const writable = useDesk((state) => Boolean(state.info?.may.write) && !state.compared);
  const places = usePlaces(sketch);
  const described = useNodes(sketch, places);
  const edges = useEdges(sketch, places);
  const [nodes, setNodes] = useState(described);
  const [drawn, setDrawn] = useState(described);
  if (drawn !== described) {
    setDrawn(described);
    setNodes(described);
  }
  const flow = useReactFlow();
  const far = useStore((state) => state.transform[2] < LEGIBLE);
  const holder = useRef(null);
  const fitted = useRef(false);
  const settled = useSettled(nodes.length > 0);

  useEffect(() => {
    if (fitted.current || !nodes.length) return;
    fitted.current = true;
    requestAnimationFrame(() => begun(flow, holder.current, readable));
  }, [nodes, flow]);

  useEffect(() => {
    if (focus === null || !nodes.some((node) => node.id === nodeId(focus))) return;
    look(flow, holder.current, focus);
    desk.set({ focus: null });
  }, [focus, nodes, flow]);

  const onNodesChange = useCallback((changes) => {
    const moves = changes.filter((each) => each.type === "position" || each.type === "dimensions");
    if (moves.length) setNodes((now) => applyNodeChanges(moves, now));
    const chosen = changes.filter((each) => each.type === "select");
    if (!chosen.length) return;
    const there = new Set(drawnOf(desk.state).steps.map((step) => step.name));
    const names = new Set(desk.state.selection.filter((name) => name === TRIGGER || there.has(name)));
    for (const { id, selected } of chosen) names[selected ? "add" : "delete"](nameOf(id));
    desk.set({ selection: [...names] });
  }, []);

  const onNodeDragStop = useCallback((_, __, moved) => {
    const there = isAutomatic(sketch) ? flow.getNodes() : moved;
    const spots = Object.fromEntries(
      [...there.filter((node) => !moved.some((other) => other.id === node.id)), ...moved].map((node) => [nameOf(node.id), [node.position.x, node.position.y]]),
    );
    const { [TRIGGER]: trigger, ...steps } = spots;
    desk.edit([{ op: "move", steps, ...(trigger ? { trigger } : {}) }]);
  }, [sketch, flow]);

  const onConnect = useCallback(({ source, sourceHandle, target }) => {
    if (source === TRIGGER_ID) {
      begin(nameOf(target));
      return;
    }
    desk.edit([{ op: "connect", source: asEntry(nameOf(source), sourceHandle === "success" ? "" : sourceHandle), target: nameOf(target) }]);
  }, []);

  const onReconnect = useCallback((old, { source, sourceHandle, target }) => {
    const { edge } = old.data;
    const after = asEntry(nameOf(source), sourceHandle === "success" ? "" : sourceHandle);
    desk.edit([{ op: "connect", source: after, target: nameOf(target) }, { op: "disconnect", source: edge.entry, target: edge.target }]);
  }, []);

  const onConnectEnd = useCallback((event, connection) => {
    if (connection.isValid || !connection.fromNode || connection.fromHandle?.type !== "source") return;
    const { clientX: x, clientY: y } = event.changedTouches?.[0] ?? event;
    if (holder.current.contains(document.elementFromPoint(x, y))) {
      const outcome = connection.fromHandle.id === "success" ? "" : connection.fromHandle.id;
      desk.set({ adding: { after: connection.fromNode.id === TRIGGER_ID ? null : asEntry(nameOf(connection.fromNode.id), outcome) }, pane: "toolbox" });
    }
  }, []);

  const onDrop = useCallback((event) => {
    const dropped = event.dataTransfer.getData("application/x-ringfence");
    if (!dropped) return;
    event.preventDefault();
    const { x, y } = flow.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const { action, trigger, through } = JSON.parse(dropped);
    if (trigger) {
      desk.edit([{ op: "set", path: ["trigger"], value: trigger }]).then((made) => made && edit(TRIGGER));
      return;
    }
    const line = document.elementsFromPoint(event.clientX, event.clientY).map((element) => element.closest(".react-flow__edge")).find(Boolean);
    const edge = line && edges.find((each) => each.id === line.dataset.id)?.data.edge;
    const where = edge ? { ...(edge.source ? { after: [edge.entry] } : {}), before: edge.target, through } : isAutomatic(sketch) ? {} : { at: [x - WIDTH / 2, y - 20] };
    desk.edit([{ op: "add", action, ...where }], { select: true, edit: true });
  }, [flow, edges, sketch]);

  const onKeyDown = useCallback((event) => keys(event, sketch, places, flow, holder.current), [sketch, places, flow]);

  return html`<section className=${far ? "canvas far" : "canvas"} ref=${holder} onKeyDown=${onKeyDown} aria-label="Steps">
    <${ReactFlow} nodes=${nodes} edges=${edges} nodeTypes=${far ? FAR_NODES : NODES} edgeTypes=${LINES} onNodesChange=${onNodesChange}
      onNodeDragStop=${onNodeDragStop} onConnect=${onConnect} onConnectEnd=${onConnectEnd} onReconnect=${onReconnect}
      onNodeDoubleClick=${(_, node) => edit(nameOf(node.id))} onDrop=${onDrop} onDragOver=${(event) => event.preventDefault()}
      onEdgeDoubleClick=${(_, { data }) => writable && data.edge.source && desk.edit([{ op: "disconnect", source: data.edge.entry, target: data.edge.target }])}
      nodesDraggable=${writable} nodesConnectable=${writable} edgesReconnectable=${writable} deleteKeyCode=${null} disableKeyboardA11y
      selectionOnDrag panOnDrag=${[1, 2]} panOnScroll selectionMode="partial" multiSelectionKeyCode=${["Shift", "Meta", "Control"]}
      minZoom=${FARTHEST} maxZoom=${1.75} onlyRenderVisibleElements snapToGrid snapGrid=${[4, 4]} zoomOnDoubleClick=${false}
      defaultMarkerColor=${null} proOptions=${{ hideAttribution: true }} connectionRadius=${28} elevateEdgesOnSelect>
      <${Background} variant=${BackgroundVariant.Dots} gap=${20} size=${1.2} />
      ${settled && html`<${MiniMap} pannable zoomable ariaLabel="Where everything is" nodeClassName=${(node) => `mini effect-${node.data.step?.effect ?? "trigger"}`} />`}
    <//>
    ${writable && !sketch.steps.length && html`<p className="canvas-hint">Drag an operator or an app here, or click one: it is the first step.</p>`}
    <${Tools} flow=${flow} writable=${writable} />
  </section>`;
}

// A step begins at once when it comes after nothing.
function begin(name) {
  const entries = desk.state.sketch.edges.filter((edge) => edge.target === name && edge.source);
  desk.edit(entries.map((edge) => ({ op: "disconnect", source: edge.entry, target: name })));
}

function show(flow) {
  flow.fitView({ padding: 0.08, maxZoom: 1, minZoom: FARTHEST });
}

// At first everything where it can be read; else its beginning.
const READABLE = 0.8;

function begun(flow, holder, readable) {
  const { width, height } = holder.getBoundingClientRect();
  const whole = flow.getNodesBounds(flow.getNodes());
  // Reckoned, and not tried: to show everything for a moment draws everything.
  if (Math.min(width / whole.width, height / whole.height) * 0.92 >= readable) {
    show(flow);
    return;
  }
  const first = flow.getNodes()[0];
  flow.setViewport({ zoom: readable, x: width / 2 - (first.position.x + WIDTH / 2) * readable, y: 32 - first.position.y * readable });
}

// Somebody is shown a step, which may have to be drawn first: nothing else gets the focus meanwhile.
let showing = false;
document.addEventListener("focus:lost", (event) => (showing || desk.state.focus !== null) && event.preventDefault());

function look(flow, holder, name) {
  const node = flow.getNode(nodeId(name));
  if (!node) return;
  const { x, y, zoom } = flow.getViewport();
  const at = { left: node.position.x * zoom + x, top: node.position.y * zoom + y };
  const size = holder.getBoundingClientRect();
  const inside = at.left > 8 && at.top > 8 && at.left + WIDTH * zoom < size.width - 8 && at.top + node.height * zoom < size.height - 8;
  if (!inside) flow.setCenter(node.position.x + WIDTH / 2, node.position.y + node.height / 2, { zoom: Math.max(zoom, 0.6) });
  const elsewhere = document.activeElement?.closest(".pane");
  let tries = 0;
  const take = () => {
    const element = holder.querySelector(`.react-flow__node[data-id="${CSS.escape(nodeId(name))}"]`);
    showing = !element && (tries += 1) < 20;
    if (showing) requestAnimationFrame(take);
    else if (element && !elsewhere) element.focus({ preventScroll: true });
  };
  take();
}

function keys(event, sketch, places, flow, holder) {
  const element = event.target.closest?.(".react-flow__node");
  if (!element || event.target !== element) return;
  const name = nameOf(element.dataset.id);
  const command = event.ctrlKey || event.metaKey;
  const to = !command && !event.altKey ? walk(sketch, places.spots, name, event.key) : null;
  if (to !== null) {
    desk.set({ selection: event.shiftKey ? [...new Set([...desk.state.selection, to])] : [to] });
    look(flow, holder, to);
  } else if (event.key === "Enter") edit(name);
  else if (event.key === "F2" && name) edit(name, { rename: true });
  else if (event.key === " ") desk.set({ selection: toggled(desk.state.selection, name) });
  else if (event.key === "Escape") desk.set({ selection: [] });
  else if (!desk.drawable) return;
  else if (event.key === "Delete" || event.key === "Backspace") remove(chosenOr(name), sketch);
  else if (event.key === "a" && !command) desk.set({ adding: { after: name === TRIGGER ? null : name, ask: true }, pane: "toolbox", selection: [name] });
  else if (event.key === "c" && !command && name) desk.set({ connecting: { from: name } });
  else if (event.altKey && event.key.startsWith("Arrow")) nudge(chosenOr(name), event.key, places, sketch);
  else return;
  event.preventDefault();
  event.stopPropagation();
}

const toggled = (names, name) => (names.includes(name) ? names.filter((each) => each !== name) : [...names, name]);
const chosenOr = (name) => (desk.state.selection.includes(name) ? desk.state.selection : [name]).filter(Boolean);

export async function remove(names, sketch = desk.state.sketch) {
  if (!names.length) return;
  const gone = new Set(names);
  const next = sketch.edges.find((edge) => gone.has(edge.target) && !gone.has(edge.source))?.source ?? TRIGGER;
  if (!(await desk.edit([{ op: "remove", steps: names }]))) return;
  announce(`${names.length === 1 ? `Step ${names[0]} was` : `${names.length} steps were`} removed. Control Z brings back.`);
  desk.set({ selection: [next], focus: next });
}

function nudge(names, key, places, sketch) {
  const by = { ArrowLeft: [-20, 0], ArrowRight: [20, 0], ArrowUp: [0, -20], ArrowDown: [0, 20] }[key];
  const all = isAutomatic(sketch) ? [...places.spots.keys()].filter(Boolean) : names;
  const steps = Object.fromEntries(all.filter((name) => places.spots.has(name)).map((name) => {
    const { x, y } = places.spots.get(name);
    return [name, names.includes(name) ? [x + by[0], y + by[1]] : [x, y]];
  }));
  desk.edit([{ op: "move", steps }]);
}

function Tools({ flow, writable }) {
  return html`<div className="tools" role="toolbar" aria-label="Canvas" aria-orientation="vertical">
    <${Button} icon="zoom-in" label="Closer" onClick=${() => flow.zoomIn()} />
    <${Button} icon="zoom-out" label="Farther" onClick=${() => flow.zoomOut()} />
    <${Button} icon="maximize" label="Show everything" onClick=${() => show(flow)} />
    ${writable && html`<${Button} icon="wand-sparkles" label="Tidy up: lay everything out again" onClick=${() => desk.edit([{ op: "tidy" }]).then(() => setTimeout(() => show(flow), 300))} />`}
  </div>`;
}
