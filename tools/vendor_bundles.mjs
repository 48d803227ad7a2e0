// Bundles the scripts of the playbook designer, each with the licences of everything that is in it. Called by vendor.mjs.
import { build } from "esbuild";
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const CANVAS = `
export * as React from "react";
export { createRoot } from "react-dom/client";
export { createPortal, flushSync } from "react-dom";
export { default as htm } from "htm";
export { default as ELK } from "elkjs/lib/elk-api.js";
export {
  Background, BackgroundVariant, BaseEdge, EdgeLabelRenderer, Handle, MiniMap, Panel, Position, ReactFlow, ReactFlowProvider,
  applyNodeChanges, getSmoothStepPath, useNodesInitialized, useReactFlow, useStore, useUpdateNodeInternals, useViewport,
} from "@xyflow/react";
`;
const EDITOR = `
export { Compartment, EditorSelection, EditorState, StateEffect, StateField } from "@codemirror/state";
export {
  Decoration, EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers, placeholder,
} from "@codemirror/view";
export { defaultKeymap, history, historyKeymap, indentWithTab, redo, undo } from "@codemirror/commands";
export {
  HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, indentUnit, syntaxHighlighting, syntaxTree,
} from "@codemirror/language";
export { acceptCompletion, autocompletion, completionKeymap, startCompletion } from "@codemirror/autocomplete";
export { forEachDiagnostic, lintGutter, lintKeymap, nextDiagnostic, setDiagnostics } from "@codemirror/lint";
export { yaml } from "@codemirror/lang-yaml";
export { highlightSelectionMatches, searchKeymap } from "@codemirror/search";
export { tags } from "@lezer/highlight";
`;

function licence(folder) {
  const file = readdirSync(folder).find((name) => /^licen[cs]e/i.test(name));
  return file ? readFileSync(join(folder, file), "utf8").trim() : "";
}

// Some packages publish none of their own; it is that of the package they are part of.
const SAME_AS = { "@xyflow/system": "@xyflow/react", "@codemirror/lint": "@codemirror/view" };

async function bundle(name, source, contents) {
  const made = await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true, minify: true, format: "esm", target: "es2022", write: false, metafile: true, legalComments: "none",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  const inside = [...new Set(
    Object.entries(Object.values(made.metafile.outputs)[0].inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([path]) => /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(path)?.[1])
      .filter(Boolean),
  )].sort();
  const includes = [], texts = [];
  for (const each of inside) {
    const folder = join("node_modules", each);
    const about = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
    const licences = about.license === "EPL-2.0 OR GPL-3.0-or-later" ? "EPL-2.0" : about.license;
    includes.push(`${each} ${about.version} ${licences}`);
    const text = licence(folder) || licence(join("node_modules", SAME_AS[each] ?? each));
    if (!text) throw new Error(`${each} has no licence text.`);
    texts.push(`${each} ${about.version} (${licences})\n\n${text}`);
  }
  const rule = `\n\n${"-".repeat(100)}\n\n`;
  return [
    { file: `${name}.min.js`, source, content: made.outputFiles[0].text, includes },
    { file: `${name}.LICENSES.txt`, source, content: texts.join(rule) + "\n" },
  ];
}

export async function bundles() {
  const style = readFileSync("node_modules/@xyflow/react/dist/base.css", "utf8");
  const worker = readFileSync("node_modules/elkjs/lib/elk-worker.min.js");
  if (!existsSync("node_modules/elkjs/LICENSE.md")) throw new Error("elkjs has no licence text.");
  return [
    ...(await bundle("canvas", "@xyflow/react", CANVAS)),
    ...(await bundle("codemirror", "@codemirror/view", EDITOR)),
    // In a layer, so that our own rules win over it.
    { file: "canvas.css", source: "@xyflow/react", content: `@layer designer.flow {\n${style}\n}\n` },
    { file: "elk-worker.min.js", source: "elkjs", content: worker, licence: "EPL-2.0" },
    { file: "elk.LICENSE.txt", source: "elkjs", content: readFileSync("node_modules/elkjs/LICENSE.md"), licence: "EPL-2.0" },
  ];
}
