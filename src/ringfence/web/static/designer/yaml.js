// The same document as text: problems where they stand, keys and names completed.
import { html, useEffect, useRef } from "./base.js";
import { desk, useDesk } from "./desk.js";

const SEVERITIES = { error: "error", warning: "warning", note: "info" };

function diagnostics(state, problems) {
  return problems.map((each) => {
    const line = state.doc.line(Math.min(Math.max(each.line, 1), state.doc.lines));
    const from = Math.min(line.from + Math.max(each.column - 1, 0), line.to);
    const word = /^["']?[\w.${}-]+/.exec(state.doc.sliceString(from, line.to));
    return { from, to: Math.min(line.to, from + Math.max(word?.[0].length ?? 1, 1)), severity: SEVERITIES[each.severity], message: `${each.message} ${each.advice}`.trim(), source: each.code };
  });
}

export function YamlTab() {
  const holder = useRef(null);
  const view = useRef(null);
  const problems = useDesk((state) => state.problems);
  const goto = useDesk((state) => state.goto);
  const cm = useRef(null);

  useEffect(() => {
    let gone = false;
    import("./editor.js").then(({ makeEditor }) => {
      if (gone) return;
      let fresh = true;
      const made = makeEditor(holder.current, desk.state.source, {
        readOnly: !desk.writable,
        changed: (text) => {
          desk.typed(text, fresh);
          fresh = false;
        },
        save: () => desk.save(),
      });
      cm.current = made;
      view.current = made.view;
      made.show(diagnostics(made.view.state, desk.state.problems));
      if (desk.state.goto) jump(made.view, desk.state.goto);
      if (desk.state.into) made.view.focus();
    });
    return () => {
      gone = true;
      cm.current?.destroy();
      desk.check();
    };
  }, []);
  useEffect(() => {
    if (cm.current) cm.current.show(diagnostics(view.current.state, problems));
  }, [problems]);
  useEffect(() => {
    if (goto && view.current) jump(view.current, goto);
  }, [goto]);
  return html`<section className="yaml" aria-label="YAML" ref=${holder}></section>`;
}

function jump(view, { line, column }) {
  const at = view.state.doc.line(Math.min(line, view.state.doc.lines));
  view.dispatch({ selection: { anchor: Math.min(at.from + column - 1, at.to) }, scrollIntoView: true });
  view.focus();
  desk.set({ goto: null });
}
