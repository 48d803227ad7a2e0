// The graph of an alert's evidence by keyboard: arrows go from piece to piece, one stop for Tab, Enter goes to the words.
function beside(node, key) {
  const all = [...node.closest("[data-graph]").querySelectorAll("[data-node]")];
  const { parent, node: number } = node.dataset;
  const own = node.getBoundingClientRect();
  // Up and down go to what stands nearest there, be it in the next branch: how pieces stand depends on the room that there is.
  const near = (way) => all.map((each) => [each, each.getBoundingClientRect()])
    .filter(([, { top, left, right }]) => way * (top - own.top) > 1 && left < own.right && right > own.left)
    .sort(([, a], [, b]) => way * (a.top - b.top))[0]?.[0];
  switch (key) {
    case "ArrowRight": return all.find((each) => each.dataset.parent === number);
    case "ArrowLeft": return all.find((each) => each.dataset.node === parent);
    case "ArrowDown": return near(1);
    case "ArrowUp": return near(-1);
    case "Home": return all[0];
    case "End": return all.at(-1);
    default: return null;
  }
}

document.addEventListener("keydown", (event) => {
  const node = event.target.closest?.("[data-node]");
  if (!node || event.ctrlKey || event.metaKey || event.altKey) return;
  const to = beside(node, event.key);
  if (to === null) return;
  event.preventDefault();
  if (!to) return;
  node.setAttribute("tabindex", "-1");
  to.setAttribute("tabindex", "0");
  to.focus({ preventScroll: true });
  to.scrollIntoView({ block: "nearest", inline: "nearest" });
});

document.addEventListener("click", (event) => {
  const node = event.target.closest?.("[data-node]");
  const words = node && document.getElementById(node.getAttribute("href").slice(1));
  if (!words) return;
  event.preventDefault();
  words.scrollIntoView({ block: "center" });
  words.focus({ preventScroll: true });
});
