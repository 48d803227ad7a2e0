// Where what has the focus goes away, what stands nearest gets it: nobody has to begin at the top again.
const REACHED = "a[href], button:not(:disabled), input:not(:disabled, [type=hidden]), select:not(:disabled), textarea:not(:disabled), summary, [tabindex]";

// What had the focus, and where that stood: each thing it was in, and the number of the child that held it.
let held = null;

function placed(element) {
  const way = [];
  for (let at = element; at.parentElement && at !== document.body; at = at.parentElement) {
    way.push([at.parentElement, [...at.parentElement.children].indexOf(at)]);
  }
  return way;
}

const usable = (element) => element.matches(REACHED) && element.tabIndex >= 0 && !element.disabled && element.getClientRects().length > 0;
const first = (element) => (usable(element) ? element : [...element.querySelectorAll(REACHED)].find(usable));

function nearest(way) {
  for (const [parent, number] of way) {
    if (!parent.isConnected || !parent.getClientRects().length) continue;
    const children = [...parent.children];
    // What came into its place, or after it; else what stands before.
    for (const child of [...children.slice(number), ...children.slice(0, number).reverse()]) {
      const found = first(child);
      if (found) return found;
    }
    if (parent.matches("main, dialog")) return parent;
  }
  return document.querySelector("main");
}

document.addEventListener("focusin", ({ target }) => {
  held = { target, way: placed(target) };
});
// Who points somewhere else means it.
document.addEventListener("pointerdown", () => {
  held = null;
}, true);

const gone = ({ target }) => !target.isConnected || target.disabled || !target.getClientRects().length;
const lost = () => held !== null && (document.activeElement === document.body || document.activeElement === null) && gone(held);
let asked = false;

function look() {
  if (asked || !lost()) return;
  asked = true;
  // Whoever took it away may give it to something by itself.
  requestAnimationFrame(() => setTimeout(() => {
    asked = false;
    // A page that will give it away by itself says so.
    if (lost() && document.dispatchEvent(new Event("focus:lost", { cancelable: true }))) nearest(held.way)?.focus({ preventScroll: true });
  }));
}

new MutationObserver(look).observe(document.body, { childList: true, subtree: true, attributeFilter: ["disabled", "hidden", "open"] });
