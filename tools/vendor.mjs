// Copies, subsets and lists what `tools/vendor` installed. Called by it; the argument is the folder to fill.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import subsetFont from "subset-font";
import { bundles } from "./vendor_bundles.mjs";

const out = process.argv[2];
const entries = [];

const ICONS = [
  "activity", "arrow-right", "ban", "braces", "chevron-down", "chevron-left", "clipboard-paste", "code", "flask-conical",
  "git-branch", "git-compare", "grip-vertical", "hash", "keyboard", "layers", "list", "locate-fixed", "mail", "map",
  "maximize", "plus", "redo-2", "repeat", "save", "scissors", "settings-2", "split", "sparkles", "sticky-note", "table",
  "trash-2", "unplug", "wand-sparkles", "webhook", "zoom-in", "zoom-out", "bell", "book-open", "check", "chevron-right", "chevrons-up", "chevron-up",
  "circle", "circle-alert", "circle-check", "circle-dashed", "circle-dot", "circle-slash", "circle-x", "clock", "copy",
  "corner-down-right", "cpu", "equal", "external-link", "eye", "file", "filter", "globe", "history", "hourglass", "inbox",
  "info", "key-round", "layout-dashboard", "list-tree", "lock", "lock-open", "log-out", "minus", "message-square",
  "monitor", "moon", "network", "octagon-alert", "pause", "pen-line", "play", "plug", "search", "send", "shield", "shield-alert",
  "shield-check", "shield-off", "skip-forward", "sun", "sun-moon", "terminal", "timer", "triangle-alert", "undo-2",
  "user", "users", "wifi-off", "workflow", "x", "zap",
];

function range(from, to) {
  return Array.from({ length: to - from + 1 }, (_, i) => String.fromCodePoint(from + i)).join("");
}
const LATIN = range(0x20, 0x7e) + range(0xa0, 0xff) + "ŒœŠšŽžŸ–—‘’‚“”„†•…‰‹›€™←↑→↓−≈≤≥";
const CODE = range(0x20, 0x7e) + range(0xa0, 0xff) + "–—‘’“”…•→";

function about(source) {
  return JSON.parse(readFileSync(join("node_modules", source, "package.json"), "utf8"));
}

function add(file, source, content, licence, includes) {
  writeFileSync(join(out, file), content);
  const { version, license } = about(source);
  const sha256 = createHash("sha256").update(content).digest("hex");
  entries.push({ file, source, version, licence: licence ?? license, sha256, includes });
}

for (const old of readdirSync(out)) unlinkSync(join(out, old));

const withoutMap = (path) => readFileSync(path, "utf8").replace(/\n?\/\/# sourceMappingURL=.*\s*$/, "\n");
add("htmx.min.js", "htmx.org", withoutMap("node_modules/htmx.org/dist/htmx.min.js"));
add("hx-sse.min.js", "htmx.org", withoutMap("node_modules/htmx.org/dist/ext/hx-sse.min.js"));
add("htmx.LICENSE.txt", "htmx.org", readFileSync("node_modules/htmx.org/LICENSE"));

const fonts = [
  ["inter.woff2", "@fontsource-variable/inter", "inter-latin-wght-normal.woff2", LATIN, { min: 400, max: 700 }],
  ["jetbrains-mono.woff2", "@fontsource-variable/jetbrains-mono", "jetbrains-mono-latin-wght-normal.woff2", CODE,
    { min: 400, max: 700 }],
];
for (const [file, source, original, text, wght] of fonts) {
  const font = readFileSync(join("node_modules", source, "files", original));
  const subset = await subsetFont(font, text, { targetFormat: "woff2", variationAxes: { wght } });
  add(file, source, subset, "OFL-1.1");
  add(file.replace(".woff2", ".LICENSE.txt"), source, readFileSync(join("node_modules", source, "LICENSE")), "OFL-1.1");
}

const symbols = ICONS.map((name) => {
  const svg = readFileSync(join("node_modules/lucide-static/icons", `${name}.svg`), "utf8");
  const inside = svg.slice(svg.indexOf(">", svg.indexOf("<svg")) + 1, svg.lastIndexOf("</svg>"));
  const flat = inside.replace(/\s*\n\s*/g, "");
  return (
    `<symbol id="${name}" viewBox="0 0 24 24" fill="none" stroke="currentColor" stroke-width="2" ` +
    `stroke-linecap="round" stroke-linejoin="round">${flat}</symbol>`
  );
});
add("icons.svg", "lucide-static", `<svg xmlns="http://www.w3.org/2000/svg">\n${symbols.join("\n")}\n</svg>\n`);
add("icons.LICENSE.txt", "lucide-static", readFileSync("node_modules/lucide-static/LICENSE"));

for (const { file, source, content, licence, includes } of await bundles()) add(file, source, content, licence, includes);

entries.sort((a, b) => (a.file < b.file ? -1 : 1));
const head = "# What is not ours, made by tools/vendor. A test compares the hashes.\n";
const blocks = entries.map((entry) =>
  ["[[file]]", ...Object.entries({ name: entry.file, package: entry.source, version: entry.version,
    licence: entry.licence, sha256: entry.sha256 }).map(([key, value]) => `${key} = "${value}"`),
    ...(entry.includes ? [`includes = [\n${entry.includes.map((each) => `  "${each}",\n`).join("")}]`] : []), ""].join("\n"),
);
writeFileSync(join(out, "vendor.toml"), head + "\n" + blocks.join("\n"));
