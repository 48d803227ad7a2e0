// A field that takes `${…}`, or is an expression itself: completes paths, picks a variable by `#`, and shows what it gives.
import { ask, html, useEffect, useId, useMemo, useRef, useState } from "./base.js";
import { CALL, useComponents } from "./calling.js";
import { desk, useDesk } from "./desk.js";
import { useTyped } from "./fields.js";
import { completions, documentFor, paths, useSample } from "./sample.js";
import { short } from "./words.js";

const PREVIEW_AFTER = 300;

// The expression in which the caret stands, up to the caret; null in plain text.
function inside(text, kind) {
  if (kind !== "value") return { start: 0, text };
  const open = text.lastIndexOf("${");
  if (open < 0 || text.indexOf("}", open) >= 0) return null;
  return { start: open + 2, text: text.slice(open + 2) };
}

function offers(text, kind, document, everything) {
  const hash = /#([\w.]*)$/.exec(text);
  const within = inside(text, kind);
  if (hash) {
    const words = hash[1].toLowerCase();
    const options = everything().filter(({ path }) => path.toLowerCase().replaceAll('"', "").includes(words)).slice(0, 80).map(({ path, value }) => ({
      word: path.replaceAll('"', ""), value, insert: within ? path : `\${${path}}`,
    }));
    return options.length ? { start: hash.index, options } : null;
  }
  if (!within) return null;
  const found = completions(document, within.text);
  return found?.options.length ? { start: within.start + found.start, options: found.options } : null;
}

// Who opens `${` gets what closes it.
function closing({ target, nativeEvent }, type) {
  const { selectionStart: caret, value } = target;
  if (nativeEvent.data !== "{" || value.slice(caret - 2, caret) !== "${" || value[caret] === "}") return;
  target.value = `${value.slice(0, caret)}}${value.slice(caret)}`;
  target.setSelectionRange(caret, caret);
  type({ target });
}

export function Expression({ id, value, kind, onChange, step, short: narrow, label, disabled, ...rest }) {
  const { value: text, onChange: type, onBlur, reset } = useTyped(value, onChange);
  const [found, setFound] = useState(null);
  const [at, setAt] = useState(0);
  const [near, setNear] = useState(false);
  const field = useRef(null);
  const list = useId();
  const sample = useSample();
  const sketch = useDesk((state) => state.sketch);
  const trial = useDesk((state) => state.trial);
  const components = useComponents(sketch.steps.some((each) => each.action === CALL));
  const document = useMemo(() => documentFor(sample, trial, sketch, step), [sample, trial, sketch, step, components]);

  const suggest = (asked) => {
    const { selectionStart: caret, value: now } = field.current;
    const before = now.slice(0, caret);
    const offered = asked || /[#.\w"]$/.test(before) ? offers(before, kind, document, () => paths(document)) : null;
    setFound(offered && { ...offered, caret });
    setAt(0);
  };
  // What can stand here may be known only after somebody has begun to type.
  useEffect(() => {
    if (near) suggest(false);
  }, [document]);
  const take = (option) => {
    const now = field.current.value;
    const rest = now.slice(found.caret);
    const made = now.slice(0, found.start) + option.insert + rest;
    const caret = found.start + option.insert.length;
    type({ target: { value: made } });
    setFound(null);
    requestAnimationFrame(() => {
      field.current?.setSelectionRange(caret, caret);
    });
  };
  const onKeyDown = (event) => {
    if (found) {
      if (event.key === "ArrowDown") setAt((at + 1) % found.options.length);
      else if (event.key === "ArrowUp") setAt((at + found.options.length - 1) % found.options.length);
      else if (event.key === "Enter" || event.key === "Tab") take(found.options[at]);
      else if (event.key === "Escape") setFound(null);
      else return;
      event.preventDefault();
      event.stopPropagation();
    } else if (event.key === " " && event.ctrlKey) {
      event.preventDefault();
      suggest(true);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      onBlur();
    } else if (event.key === "Escape" && text !== value) {
      event.stopPropagation();
      reset();
    }
  };
  const rows = narrow ? 1 : Math.min(10, Math.max(1, text.split("\n").length, Math.ceil(text.length / 42)));
  return html`<div className="expression">
    <textarea ref=${field} id=${id} rows=${rows} className=${`input${kind === "value" && !text.includes("${") ? "" : " mono"}`} value=${text} disabled=${disabled} spellCheck=${false}
      aria-label=${label} aria-haspopup="listbox" aria-controls=${list} aria-autocomplete="list" aria-activedescendant=${found ? `${list}-${at}` : undefined}
      onChange=${(event) => { type(event); closing(event, type); suggest(false); }} onKeyDown=${onKeyDown} onFocus=${() => setNear(true)}
      onBlur=${() => { setNear(false); setFound(null); onBlur(); }} ...${rest}></textarea>
    <ul className="offers" id=${list} role="listbox" aria-label="What can stand here" hidden=${!found}>
      ${found?.options.map((option, index) => html`<${Offer} key=${option.word} id=${`${list}-${index}`} option=${option} chosen=${index === at} take=${() => take(option)} />`)}
    </ul>
    ${near && !found && (kind !== "value" || text.includes("${")) && html`<${Preview} text=${text} kind=${kind} step=${step} on=${sample?.on} />`}
  </div>`;
}

function Offer({ id, option, chosen, take }) {
  const row = useRef(null);
  useEffect(() => {
    if (chosen) row.current?.scrollIntoView({ block: "nearest" });
  }, [chosen]);
  return html`<li ref=${row} id=${id} role="option" aria-selected=${chosen} onMouseDown=${(event) => { event.preventDefault(); take(); }}>
    <span className="mono">${option.word}</span><span className="offer-value">${option.value === undefined ? "not known yet" : short(option.value, 40)}</span></li>`;
}

function Preview({ text, kind, step, on }) {
  const [said, setSaid] = useState(null);
  useEffect(() => {
    if (kind === "data_expression") return undefined;
    let wanted = true;
    const timer = setTimeout(() => {
      const { sample, trial } = desk.state;
      ask("/preview", { body: { text, kind, on: sample?.asked ?? {}, outputs: trial?.outputs ?? {}, step: step ?? null } }).then(
        (found) => wanted && setSaid(found),
        (refused) => wanted && setSaid({ error: refused.message }),
      );
    }, PREVIEW_AFTER);
    return () => {
      wanted = false;
      clearTimeout(timer);
    };
  }, [text, kind, step, on]);
  if (kind === "data_expression") return html`<p className="preview faint">It is looked up in the data that the step is given.</p>`;
  if (!said) return null;
  if (said.error) return html`<p className="preview tone-bad" role="status">${said.error}</p>`;
  return html`<p className="preview" role="status"><span className="faint">gives</span> <span className="mono">${short(said.value === null ? "null" : said.value, 200)}</span>${on && html` <span className="faint">on ${on}</span>`}</p>`;
}
