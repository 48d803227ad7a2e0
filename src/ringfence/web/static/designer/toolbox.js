// The toolbox: what starts a playbook, what decides, and every app's actions; to drag, to click, or to choose by keyboard.
import { Button, Icon, html, useEffect, useMemo, useRef, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { BEGINNINGS, EFFECTS, TRIGGERS, asEntry, goesOn, iconOf, portWord } from "./words.js";
import { useActions } from "./actions.js";
import { edit } from "./canvas.js";
import { TRIGGER } from "./layout.js";

const OPERATORS = new Set(["Logic", "Playbooks", "Time"]);
const CATEGORIES = ["Response", "Endpoint", "Communication", "Core"];

const shortly = (title) => title.replace("Microsoft ", "").replace(" for Endpoint", "");

function matches(text, words) {
  const there = text.toLowerCase();
  return words.every((word) => there.includes(word));
}

function grouped(actions, query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  const found = actions.filter((each) => matches(`${each.id} ${each.title} ${each.connector} ${each.noun} ${each.summary}`, words));
  const groups = new Map();
  const rank = (each) => (OPERATORS.has(each.connector) ? 0 : 1 + Math.max(0, CATEGORIES.indexOf(each.category)));
  for (const each of [...found].sort((a, b) => rank(a) - rank(b))) {
    const name = [shortly(each.connector), each.noun].filter(Boolean).join(" · ");
    groups.set(name, [...(groups.get(name) ?? []), each]);
  }
  return groups;
}

export function Toolbox() {
  const actions = useActions();
  const adding = useDesk((state) => state.adding);
  const trigger = useDesk((state) => state.sketch.trigger);
  const [query, setQuery] = useState("");
  const search = useRef(null);
  const groups = useMemo(() => grouped(actions, query), [actions, query]);
  const triggers = Object.entries(TRIGGERS).filter(([type, each]) => trigger && matches(`${type} ${each.word} ${each.about}`, query.toLowerCase().split(/\s+/).filter(Boolean)));
  useEffect(() => {
    if (adding) search.current?.focus();
  }, [adding]);

  const add = ({ id: action, outcomes }) => {
    const { selection } = desk.state;
    const after = adding ? adding.after : selection.length === 1 ? selection[0] || null : null;
    const free = adding?.outcome !== undefined && after && !after.includes(".") ? asEntry(after, adding.outcome) : usual(after);
    const before = adding?.before && following(free).length === 1 ? { before: following(free)[0], through: goesOn(outcomes) } : {};
    desk.edit([{ op: "add", action, ...(free ? { after: [free] } : {}), ...before }], { select: true, edit: true });
    desk.set({ adding: null });
    setQuery("");
  };
  const begin = (type) => {
    desk.edit([{ op: "set", path: ["trigger"], value: BEGINNINGS[type] }]).then((made) => made && edit(TRIGGER));
    setQuery("");
  };
  const onKeyDown = (event) => {
    const rows = [...event.currentTarget.querySelectorAll(".parts-item")];
    const at = rows.indexOf(document.activeElement);
    if (event.key === "ArrowDown") rows[Math.min(at + 1, rows.length - 1)]?.focus();
    else if (event.key === "ArrowUp") (at > 0 ? rows[at - 1] : search.current).focus();
    else if (event.key === "Enter" && event.target === search.current && rows.length && query) rows[0].click();
    else if (event.key === "Escape") leave();
    else return;
    event.preventDefault();
  };
  const leave = () => {
    const { selection } = desk.state;
    document.activeElement?.blur();
    desk.set({ adding: null, focus: selection[0] ?? TRIGGER });
    setQuery("");
  };

  return html`<div className="parts" onKeyDown=${onKeyDown}>
    ${adding && html`<${Where} adding=${adding} leave=${leave} />`}
    <div className="search parts-search"><${Icon} name="search" />
      <input ref=${search} className="input" type="search" aria-label="Search triggers, operators and apps" placeholder="Triggers, operators and apps" value=${query} onChange=${(event) => setQuery(event.target.value)} /></div>
    <div className="parts-groups" tabIndex=${-1}>
      ${triggers.length > 0 && !adding && html`<h2>Starts by</h2><${Group} name="Triggers" list=${triggers} open=${query !== ""} row=${([type, each]) => html`<li key=${type}><${Item} icon=${each.icon} title=${each.word} about=${each.about} chosen=${trigger?.type === type}
          dragged=${{ trigger: BEGINNINGS[type] }} onClick=${() => begin(type)} /></li>`} />`}
      ${[["Operators", (name) => OPERATORS.has(name)], ["Apps", (name) => !OPERATORS.has(name)]].map(([heading, fits]) => {
        const shown = [...groups].filter(([name]) => fits(name));
        return shown.length > 0 && html`<section key=${heading} aria-label=${heading}><h2>${heading}</h2>
          ${shown.map(([name, list]) => html`<${Group} key=${name} name=${name} list=${list} open=${query !== "" || name === "Logic"} row=${(each) => html`<li key=${each.id}><${Item} icon=${iconOf(each.id)} title=${each.title} about=${each.summary} effect=${each.effect}
              dragged=${{ action: each.id, through: goesOn(each.outcomes) }} onClick=${() => add(each)} /></li>`} />`)}</section>`;
      })}
      ${!groups.size && !triggers.length && html`<p className="nothing">Nothing is called so.</p>`}
    </div>
  </div>`;
}

// What is folded is made when somebody unfolds it.
function Group({ name, list, open, row }) {
  const [unfolded, setUnfolded] = useState(open);
  return html`<details open=${open || undefined} onToggle=${(event) => event.currentTarget.open && setUnfolded(true)}>
    <summary>${name} <span className="faint">${list.length}</span></summary>
    ${(open || unfolded) && html`<ul>${list.map(row)}</ul>`}</details>`;
}

// Without a word about the outcome, the one that is there alone, or the unnamed one.
function usual(after) {
  if (!after || after.includes(".")) return after;
  const step = desk.state.sketch.steps.find((each) => each.name === after);
  const outcomes = step?.outcomes.filter((each) => each !== "error") ?? [""];
  return asEntry(after, outcomes.includes("") ? "" : outcomes[0]);
}

// What comes after an outcome already.
const following = (entry) => desk.state.sketch.edges.filter((edge) => edge.entry === entry && entry).map((edge) => edge.target);

function Where({ adding, leave }) {
  const step = desk.state.sketch.steps.find((each) => each.name === adding.after);
  const outcomes = adding.ask && step ? step.outcomes : [];
  const chosen = adding.outcome ?? (outcomes.includes("") ? "" : outcomes[0]);
  const next = following(adding.after?.includes(".") || !adding.after ? adding.after : asEntry(adding.after, chosen ?? ""));
  return html`<div className="adding" role="group" aria-label="Where the new step goes">
    <p>${adding.after ? html`The new step comes after <strong>${adding.after}</strong>.` : "The new step begins at once."}</p>
    ${outcomes.length > 1 && html`<label>When it ends in <select className="input" value=${chosen} onChange=${(event) => desk.set({ adding: { ...adding, outcome: event.target.value } })}>
      ${outcomes.map((each) => html`<option key=${each} value=${each}>${each === "" ? "success" : portWord(each)}</option>`)}</select></label>`}
    ${next.length === 1 && html`<label className="check"><input type="checkbox" checked=${Boolean(adding.before)} onChange=${(event) => desk.set({ adding: { ...adding, before: event.target.checked } })} />${next[0]} comes after the new step</label>`}
    <${Button} plain icon="x" label="Add nothing" onClick=${leave} />
  </div>`;
}

function Item({ icon, title, about, effect, dragged, chosen, onClick }) {
  const start = (event) => {
    event.dataTransfer.setData("application/x-ringfence", JSON.stringify(dragged));
    event.dataTransfer.effectAllowed = "copy";
  };
  const known = EFFECTS[effect];
  return html`<button type="button" className=${`parts-item effect-${effect ?? "trigger"}`} draggable onDragStart=${start} onClick=${onClick} title=${`${about} ${known?.about ?? ""}`.trim()} aria-current=${chosen || undefined}>
    <span className="step-icon"><${Icon} name=${icon} /></span><span className="parts-title">${title}</span>
    ${effect === "contain" && html`<span className="badge tone-held">Contains</span>`}</button>`;
}
