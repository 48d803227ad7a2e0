// How a step, the trigger and a line between two are drawn.
import { BaseEdge, Handle, Position, getSmoothStepPath } from "../vendor/canvas.min.js";
import { Icon, html, many, memo } from "./base.js";
import { Lasting } from "./times.js";
import { TRIGGERS, iconOf, portWord, short } from "./words.js";
import { portsOf } from "./layout.js";

const SAYS = { "logic.condition": "test", "logic.approval": "question", "logic.delay": "duration", "jmespath.query": "expression", "notify.send": "text" };

function about(step) {
  const value = step.fields.with?.[SAYS[step.action]];
  return value === undefined ? step.title : short(value, 60);
}

const WORST = { error: "bad", warning: "warn", note: "info" };
const SIGNS = { error: "circle-x", warning: "triangle-alert", note: "info" };

function Problems({ list }) {
  const worst = ["error", "warning", "note"].find((severity) => list.some((each) => each.severity === severity));
  return html`<span className=${`toned tone-${WORST[worst]} step-problems`} title=${list.map((each) => each.message).join("\n")}>
    <${Icon} name=${SIGNS[worst]} label=${many(list.length, worst)} />${list.length > 1 ? list.length : ""}</span>`;
}

function Ports({ outcomes, wired, connectable }) {
  return html`<div className="ports">${portsOf(outcomes).map(
    ({ outcome, x, room }) => html`<span key=${outcome} className=${`port${outcome === "error" ? " error" : ""}${wired.has(outcome) ? " wired" : ""}`}
      ref=${(element) => element && place(element, x, room)}>
      <span className="port-word">${outcome === "" && outcomes.length < 3 ? "" : portWord(outcome)}</span></span>
      <${Handle} key=${`${outcome}>`} id=${outcome || "success"} type="source" position=${Position.Bottom} isConnectable=${connectable}
        className=${outcome === "error" ? "error" : ""} style=${{ left: x }} title=${`Pull from here: what follows ${outcome || "this step"}`} />`,
  )}</div>`;
}

function place(element, x, room) {
  element.style.left = `${x}px`;
  element.style.maxWidth = `${room}px`;
}

// How it stands in a run: of a loop, how many items stand how.
function Seen({ seen }) {
  return html`<span className="step-about step-seen" title=${seen.title}>
    <span className=${`toned tone-${seen.tone}`}><${Icon} name=${seen.icon} />${seen.word}</span>
    ${seen.items?.map((each) => html`<span key=${each.status} className=${`toned tone-${each.tone}`} title=${`${each.number} ${each.word.toLowerCase()}`}><${Icon} name=${each.icon} label=${each.word} />${each.number}</span>`)}
    ${seen.since && html`<${Lasting} since=${seen.since} />`}${seen.said && html`<span>${seen.said}</span>`}</span>`;
}

const classesOf = (step, seen, marks) => ["step", `effect-${step.effect || "unknown"}`, ...marks.map((mark) => `mark-${mark}`), seen ? `seen seen-${seen.tone} is-${seen.status}` : ""].join(" ");

export const StepNode = memo(function StepNode({ data, selected }) {
  const { step, problems, wired, writable, seen, marks, editing } = data;
  return html`<div className=${`${classesOf(step, seen, marks)}${selected ? " chosen" : ""}${editing ? " edited" : ""}`}>
    <${Handle} type="target" position=${Position.Top} isConnectable=${writable} />
    <div className="step-body">
      <span className="step-icon"><${Icon} name=${iconOf(step.action)} /></span>
      <span className="step-words"><span className="step-name">${step.name}</span>${seen ? html`<${Seen} seen=${seen} />` : html`<span className="step-about" title=${step.action}>${about(step)}</span>`}</span>
      <span className="step-signs">
        ${step.fields.for_each !== undefined && html`<${Icon} name="repeat" label="For each item of a list" />`}
        ${step.fields.mock !== undefined && html`<${Icon} name="flask-conical" label="Pinned by a mock" />`}
        ${step.fields.join === "any" && html`<span className="tag" title="Any one of what it comes after is enough">any</span>`}
        ${problems.length > 0 && html`<${Problems} list=${problems} />`}
      </span>
    </div>
    ${step.fields.note && html`<p className="step-note" title=${String(step.fields.note)}><${Icon} name="sticky-note" /><span>${short(step.fields.note, 70)}</span></p>`}
    ${marks.length > 0 && html`<${Marks} marks=${marks} />`}
    <${Ports} outcomes=${step.outcomes} wired=${wired} connectable=${writable} />
  </div>`;
});

const MARKS = { added: ["plus", "new"], removed: ["minus", "removed"], changed: ["pen-line", "changed"], rewired: ["git-branch", "rewired"], renamed: ["corner-down-right", "renamed"] };

// What became of it between two versions.
function Marks({ marks }) {
  return html`<span className="step-marks">${marks.map((mark) => html`<span key=${mark} className=${`step-mark mark-${mark}`}><${Icon} name=${MARKS[mark][0]} />${MARKS[mark][1]}</span>`)}</span>`;
}

export const TriggerNode = memo(function TriggerNode({ data, selected }) {
  const { trigger, problems, marks, writable, editing } = data;
  const known = TRIGGERS[trigger.type] ?? { icon: "zap", word: String(trigger.type ?? "No trigger") };
  const said = [trigger.status, trigger.severity, trigger.category].flat().filter((each) => each && each !== "All").join(" · ");
  return html`<div className=${`step trigger${selected ? " chosen" : ""}${editing ? " edited" : ""}${marks.map((mark) => ` mark-${mark}`).join("")}`}>
    <div className="step-body">
      <span className="step-icon"><${Icon} name=${known.icon} /></span>
      <span className="step-words"><span className="step-name">${trigger.name || known.word}</span>
        <span className="step-about">${said || (trigger.name ? known.word : "Starts the playbook")}</span></span>
      <span className="step-signs">${problems.length > 0 && html`<${Problems} list=${problems} />`}</span>
    </div>
    ${marks.length > 0 && html`<${Marks} marks=${marks} />`}
    <${Handle} id="success" type="source" position=${Position.Bottom} isConnectable=${writable} title="Pull from here: what begins at once" />
  </div>`;
});

// From far away nothing of it can be read: of hundreds, each is then one element.
export const FarNode = memo(function FarNode({ data, selected }) {
  const { step, problems, seen, marks, editing } = data;
  return html`<div className=${`${step ? classesOf(step, seen, marks) : "step trigger"}${selected ? " chosen" : ""}${editing ? " edited" : ""}${problems.some((each) => each.severity === "error") ? " wrong" : ""}`}></div>`;
});

// Corners of elk's bends, rounded.
function through(points) {
  const [first, ...rest] = points;
  let path = `M ${first.x} ${first.y}`;
  rest.forEach((point, index) => {
    const next = rest[index + 1];
    if (!next) {
      path += ` L ${point.x} ${point.y}`;
      return;
    }
    const before = index ? rest[index - 1] : first;
    const reach = (other) => Math.min(8, Math.hypot(other.x - point.x, other.y - point.y) / 2);
    const towards = (other, by) => {
      const length = Math.hypot(other.x - point.x, other.y - point.y) || 1;
      return `${point.x + ((other.x - point.x) / length) * by} ${point.y + ((other.y - point.y) / length) * by}`;
    };
    path += ` L ${towards(before, reach(before))} Q ${point.x} ${point.y} ${towards(next, reach(next))}`;
  });
  return path;
}

export const Line = memo(function Line({ data, sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, markerEnd }) {
  const bends = data.bends;
  const fits = bends && Math.abs(bends[0].x - sourceX) < 3 && Math.abs(bends.at(-1).x - targetX) < 3
    && Math.abs(bends[0].y - sourceY) < 8 && Math.abs(bends.at(-1).y - targetY) < 8;
  const path = fits ? through(bends) : getSmoothStepPath({ sourceX, sourceY, targetX, targetY, sourcePosition, targetPosition, borderRadius: 8 })[0];
  return html`<${BaseEdge} path=${path} markerEnd=${markerEnd} interactionWidth=${18} />`;
});
