// The command palette and the keys. Everything that they do can be done without them.

const palette = document.getElementById("palette");
const sheet = document.getElementById("keys");
const text = document.getElementById("palette-text");
const list = document.getElementById("palette-list");
const toggle = document.getElementById("keys-on");
const OFF = "ringfence-keys-off";

// --- the palette -------------------------------------------------------------------------------------------------

function options() {
  return [...list.querySelectorAll("a[role=option]")];
}

function choose(option) {
  for (const each of options()) each.setAttribute("aria-selected", String(each === option));
  if (option) {
    text.setAttribute("aria-activedescendant", option.id);
    option.scrollIntoView({ block: "nearest" });
  } else {
    text.removeAttribute("aria-activedescendant");
  }
}

function chosen() {
  return list.querySelector("a[aria-selected=true]");
}

let fresh = false;
let pressed = null;

function open(event) {
  pressed = null;
  const option = chosen();
  if (!option) return;
  if (event.ctrlKey || event.metaKey) window.open(option.href, "_blank", "noopener");
  else option.click();
}

function openPalette() {
  if (!palette || palette.open) return;
  sheet.close();
  palette.showModal();
  text.select();
  text.dispatchEvent(new Event("look"));
}

if (palette) {
  document.getElementById("palette-open")?.addEventListener("click", openPalette);
  // Who types quickly and presses Enter means what was typed, not what was found for less of it.
  text.addEventListener("input", () => {
    fresh = false;
    pressed = null;
  });
  document.addEventListener("htmx:after:swap", (event) => {
    if (event.detail.ctx.sourceElement !== text) return;
    fresh = (new URL(event.detail.ctx.request.action, location.href).searchParams.get("q") ?? "") === text.value;
    choose(options()[0]);
    if (pressed && fresh) open(pressed);
  });
  text.addEventListener("keydown", (event) => {
    const all = options();
    const at = all.indexOf(chosen());
    const steps = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 };
    // Home and End belong to the text while there is some.
    if (event.key in steps && all.length && !(text.value && ["Home", "End"].includes(event.key))) {
      event.preventDefault();
      choose(all[(steps[event.key] + all.length) % all.length]);
    } else if (event.key === "Enter") {
      event.preventDefault();
      if (fresh) open(event);
      else pressed = event;
    }
  });
  // A click beside the dialog closes it, as people expect.
  for (const dialog of [palette, sheet]) {
    dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  }
}

// --- keys ----------------------------------------------------------------------------------------------------------

let began = -Infinity;

function typing(element) {
  return element.closest("input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable], .cm-editor, [data-own-keys]");
}

function rows() {
  return [...document.querySelectorAll("#live tr[data-row]")];
}

function step(by) {
  const all = rows();
  if (!all.length) return;
  const at = all.findIndex((row) => row.contains(document.activeElement));
  const next = all[Math.max(0, Math.min(all.length - 1, at < 0 ? 0 : at + by))];
  const link = next.querySelector("a");
  link?.focus();
  next.scrollIntoView({ block: "nearest" });
}

const KEYS = {
  "/": openPalette,
  "?": () => sheet.showModal(),
  f: () => document.querySelector("form.filters input[type=search]")?.focus(),
  j: () => step(1),
  k: () => step(-1),
  x: () => document.activeElement.closest("tr")?.querySelector("input[type=checkbox]")?.click(),
  // Between a row and what is done with it stand all other rows.
  a: () => document.querySelector("#selected :is(select, input:not([type=hidden]), button)")?.focus(),
};

document.addEventListener("keydown", (event) => {
  if (!palette) return;
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key.toLowerCase() === "k") {
    event.preventDefault();
    openPalette();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || typing(event.target)) return;
  if (palette.open || document.querySelector("dialog[open]") || localStorage.getItem(OFF)) return;
  if (event.key === "g") {
    began = event.timeStamp;
    return;
  }
  const going = event.timeStamp - began < 1500;
  began = -Infinity;
  const there = going && event.key.length === 1 && document.querySelector(`.side a[data-go="${CSS.escape(event.key)}"]`);
  if (there) {
    event.preventDefault();
    there.click();
  } else if (!going && event.key in KEYS) {
    event.preventDefault();
    KEYS[event.key]();
  }
});

// Which groups of the menu somebody keeps open is said to the server, so that the next page comes with them.
const groups = [...document.querySelectorAll("details[data-menu]")];
for (const group of groups) {
  group.querySelector("summary").addEventListener("click", () => {
    group.toggleAttribute("data-kept", !group.open);
    const kept = groups.filter((each) => each.hasAttribute("data-kept")).map((each) => each.dataset.menu);
    document.cookie = `menu=${kept.join(".")}; path=/; max-age=31536000; samesite=lax`;
  });
}

if (toggle) {
  toggle.checked = !localStorage.getItem(OFF);
  toggle.addEventListener("change", () => {
    if (toggle.checked) localStorage.removeItem(OFF);
    else localStorage.setItem(OFF, "yes");
  });
}
