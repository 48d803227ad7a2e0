// What every page does in the browser: keep times true, say when something changed, copy, switch the theme.
// Pages can be read without it.

const root = document.documentElement;

// Times: the same words as formatting.py.
function rough(seconds) {
  for (const [size, unit] of [[86400, "d"], [3600, "h"], [60, "min"]]) {
    if (seconds >= size) return `${Math.floor(seconds / size)} ${unit}`;
  }
  return `${Math.floor(seconds)} s`;
}

function relative(moment, now) {
  const seconds = (now - moment) / 1000;
  if (Math.abs(seconds) < 5) return "just now";
  return seconds > 0 ? `${rough(seconds)} ago` : `in ${fine(-seconds)}`;
}

function fine(seconds) {
  const whole = Math.floor(seconds);
  const parts = (big, unit, small, other) => (small ? `${big} ${unit} ${small} ${other}` : `${big} ${unit}`);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return parts(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86400) return parts(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return parts(Math.floor(whole / 86400), "d", Math.floor((whole % 86400) / 3600), "h");
}

function tick() {
  const now = Date.now();
  for (const element of document.querySelectorAll("time[data-relative]")) {
    const words = relative(Date.parse(element.dateTime), now);
    if (element.textContent !== words) element.textContent = words;
  }
}
setInterval(tick, 10_000);

// In a narrow window the menu is a popover; there is room for it beside the page once the window is wide again.
matchMedia("(min-width: 50.01rem)").addEventListener("change", (wide) => {
  if (wide.matches) document.querySelector(".drawer:popover-open")?.hidePopover();
});

// A long menu begins where the page is.
const menu = document.querySelector(".side nav");
const current = menu?.querySelector("[aria-current]");
if (current && current.offsetTop + current.offsetHeight > menu.clientHeight) {
  menu.scrollTop = current.offsetTop - menu.clientHeight / 2;
}

// Live: a page asks for its own address again, whatever filters it has by then.
document.addEventListener("htmx:before:request", (event) => {
  const { ctx } = event.detail;
  if (ctx.sourceElement.id === "live") ctx.request.action = location.pathname + location.search;
});

document.addEventListener("htmx:config:request", (event) => {
  const { body, method } = event.detail.ctx.request;
  if (method !== "GET" || !body) return;
  for (const name of new Set(body.keys())) {
    const values = body.getAll(name).filter((value) => value !== "");
    body.delete(name);
    for (const value of values) body.append(name, value);
  }
});

let rows = null;

function rowIds() {
  return new Set([...document.querySelectorAll("tr[data-row]")].map((row) => row.dataset.row));
}

document.addEventListener("htmx:before:swap", (event) => {
  rows = event.detail.ctx.sourceElement.id === "live" ? rowIds() : null;
});

document.addEventListener("htmx:after:swap", () => {
  tick();
  if (rows === null) return;
  let fresh = 0;
  for (const row of document.querySelectorAll("tr[data-row]")) {
    if (rows.has(row.dataset.row)) continue;
    row.classList.add("fresh");
    row.addEventListener("animationend", () => row.classList.remove("fresh"), { once: true });
    fresh += 1;
  }
  if (fresh) announce(fresh === 1 ? "1 new row." : `${fresh} new rows.`);
  rows = null;
});

function announce(words) {
  document.getElementById("announce").textContent = words;
}

// The stream, and what to do when it or the session is gone.
function connection(state, words) {
  root.dataset.stream = state;
  const shown = document.getElementById("stream-state");
  if (shown && shown.textContent !== words) shown.textContent = words;
}
let streaming = null;
let leaving = -Infinity;
function showConnection() {
  if (streaming !== null) connection(streaming ? "live" : "lost", streaming ? "Live" : "Reconnecting…");
}
setTimeout(() => {
  if (streaming === null) connection("off", "Live updates off");
}, 5000);
document.addEventListener("htmx:sse:after:connection", () => {
  streaming = true;
  showConnection();
});
for (const name of ["htmx:sse:before:connection", "htmx:sse:error"]) {
  document.addEventListener(name, (event) => {
    if (event.detail.status === 401) location.reload();
    if (performance.now() - leaving < 5000) return;
    if (name === "htmx:sse:error" || event.detail.connection?.attempt > 0) {
      streaming = false;
      showConnection();
    }
  });
}
document.addEventListener("htmx:after:swap", showConnection);
// Firefox breaks streams off while the next page is fetched: nobody need read then that the connection is lost.
addEventListener("beforeunload", () => {
  leaving = performance.now();
});

document.addEventListener("htmx:response:error", (event) => {
  const { status } = event.detail.ctx.response;
  if (status !== 401) toast(`The page could not be refreshed (${status}). It is tried again with the next change.`);
});

function toast(words) {
  const area = document.getElementById("toasts");
  const line = document.createElement("p");
  line.textContent = words;
  area.replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

// What stands beside a list follows its filters only when it is opened.
document.addEventListener(
  "beforetoggle",
  (event) => {
    const here = location.pathname + location.search;
    for (const each of event.target.querySelectorAll("[data-here]")) {
      if (each.matches("a")) each.href = `${here}${location.search ? "&" : "?"}csv=all`;
      else each.value = here;
    }
  },
  true,
);

// The order of columns: what is sent is what stands there.
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-order] [data-move]");
  if (!button) return;
  const line = button.closest("li");
  const later = button.dataset.move === "1";
  const other = later ? line.nextElementSibling : line.previousElementSibling;
  if (!other) return;
  other[later ? "after" : "before"](line);
  button.focus();
  const all = [...line.parentElement.children];
  announce(`${line.textContent.trim()}: ${all.indexOf(line) + 1} of ${all.length}.`);
});

// Copying.
document.addEventListener("click", async (event) => {
  const button = event.target.closest("button[data-copy]");
  if (!button) return;
  event.preventDefault();
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.classList.add("done-copying");
    announce("Copied.");
    setTimeout(() => button.classList.remove("done-copying"), 1200);
  } catch {
    toast("The browser does not allow copying here. Select the text instead.");
  }
});

// The theme, without a new page.
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("form[data-theme-switch]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const { value } = event.submitter;
  root.dataset.theme = value;
  for (const button of form.querySelectorAll("button")) {
    button.setAttribute("aria-pressed", String(button.value === value));
  }
  const body = new URLSearchParams(new FormData(form));
  body.set("theme", value);
  await fetch(form.action, { method: "POST", body, redirect: "manual" });
});
