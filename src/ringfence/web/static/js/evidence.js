// The graph of an alert's evidence by keyboard: arrows go from piece to piece, one stop for Tab, Enter goes to the words.
function beside(node, key) {
  const all = [...node.closest("[data-graph]").querySelectorAll("[data-node]")];
  const { parent, node: number } = node.dataset;
  const under = (which) => all.filter((each) => each.dataset.parent === which);
  // Down and up go on into the next branch: pieces of one column.
  const column = all.filter((each) => each.querySelector("rect").getAttribute("x") === node.querySelector("rect").getAttribute("x"))
    .sort((a, b) => Number(a.querySelector("rect").getAttribute("y")) - Number(b.querySelector("rect").getAttribute("y")));
  const at = column.indexOf(node);
  switch (key) {
    case "ArrowRight": return under(number)[0];
    case "ArrowLeft": return all.find((each) => each.dataset.node === parent);
    case "ArrowDown": return column[at + 1];
    case "ArrowUp": return column[at - 1];
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
