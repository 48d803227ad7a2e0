// CodeMirror for playbooks. It lives in a shadow root: there its styles are adopted sheets, which the security policy allows.
import {
  EditorState, EditorView, HighlightStyle, autocompletion, bracketMatching, completionKeymap, defaultKeymap, drawSelection, foldGutter, foldKeymap,
  highlightActiveLine, highlightActiveLineGutter, highlightSelectionMatches, history, historyKeymap, indentOnInput, indentUnit, indentWithTab, keymap,
  lineNumbers, lintGutter, lintKeymap, searchKeymap, setDiagnostics, syntaxHighlighting, tags, yaml,
} from "../vendor/codemirror.min.js";
import { completing } from "./completing.js";

const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "13px" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--text)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--text-3)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--hover)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--info-tint)" },
  ".cm-selectionMatch, .cm-matchingBracket": { backgroundColor: "var(--raised)", outline: "1px solid var(--line-strong)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", border: "1px solid var(--line-strong)", borderRadius: "6px", color: "var(--text)", boxShadow: "var(--shadow)" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent-fill)", color: "var(--on-accent)" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.75", fontStyle: "normal" },
  ".cm-diagnostic-error": { borderLeftColor: "var(--bad-fill)" },
  ".cm-diagnostic-warning": { borderLeftColor: "var(--warn-fill)" },
  ".cm-diagnostic-info": { borderLeftColor: "var(--info-fill)" },
  ".cm-lintRange": { backgroundImage: "none", textDecoration: "underline wavy var(--info-fill)", textUnderlineOffset: "3px" },
  ".cm-lintRange-error": { textDecorationColor: "var(--bad-fill)" },
  ".cm-lintRange-warning": { textDecorationColor: "var(--warn-fill)" },
  ".cm-lint-marker": { content: "none", borderRadius: "50%", width: "0.6em", height: "0.6em", marginTop: "0.3em", backgroundColor: "var(--info-fill)" },
  ".cm-lint-marker-error": { backgroundColor: "var(--bad-fill)" },
  ".cm-lint-marker-warning": { backgroundColor: "var(--warn-fill)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--text)" },
  ".cm-foldPlaceholder": { backgroundColor: "var(--raised)", border: "1px solid var(--line)", color: "var(--text-2)" },
  ".cm-searchMatch": { backgroundColor: "var(--moving-tint)" },
});
const colours = HighlightStyle.define([
  { tag: tags.definition(tags.propertyName), color: "var(--info-text)" },
  { tag: tags.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--held-text)" },
  { tag: [tags.number, tags.bool, tags.null, tags.keyword], color: "var(--accepted-text)" },
  { tag: [tags.punctuation, tags.separator, tags.squareBracket, tags.brace], color: "var(--text-3)" },
  { tag: tags.content, color: "var(--text)" },
]);

export function makeEditor(holder, text, { readOnly, changed, save }) {
  const shadow = holder.shadowRoot ?? holder.attachShadow({ mode: "open" });
  const view = new EditorView({
    root: shadow,
    parent: shadow,
    state: EditorState.create({
      doc: text,
      extensions: [
        lineNumbers(), foldGutter(), highlightActiveLineGutter(), history(), drawSelection(), indentOnInput(), bracketMatching(), highlightActiveLine(),
        highlightSelectionMatches(), lintGutter(), yaml(), indentUnit.of("  "), theme, syntaxHighlighting(colours),
        autocompletion({ override: [completing], icons: false }),
        keymap.of([
          { key: "Mod-s", preventDefault: true, run: () => (save(), true) },
          // Tab indents; Escape, then Tab, leaves the editor.
          ...completionKeymap, ...lintKeymap, ...searchKeymap, ...foldKeymap, ...historyKeymap, ...defaultKeymap, indentWithTab,
        ]),
        EditorState.readOnly.of(readOnly),
        EditorView.contentAttributes.of({ "aria-label": "The playbook as YAML", spellcheck: "false", tabindex: "0" }),
        EditorView.updateListener.of((update) => update.docChanged && changed(update.state.doc.toString())),
      ],
    }),
  });
  return { view, show: (found) => view.dispatch(setDiagnostics(view.state, found)), destroy: () => view.destroy() };
}
