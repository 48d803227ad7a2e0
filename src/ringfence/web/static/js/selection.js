// Selected rows: how many there are, all of a page at once, and what stays selected when the list is drawn anew.

const boxes = () => [...document.querySelectorAll("#live tbody .pick input")];

function count() {
  const all = boxes();
  const picked = all.filter((box) => box.checked).length;
  for (const shown of document.querySelectorAll("[data-picked]")) {
    const words = `${picked} selected`;
    if (shown.textContent !== words) shown.textContent = words;
  }
  const whole = document.querySelector("[data-pick-all]");
  if (!whole) return;
  whole.checked = picked > 0 && picked === all.length;
  whole.indeterminate = picked > 0 && picked < all.length;
}

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-pick-all]")) {
    for (const box of boxes()) box.checked = event.target.checked;
  }
  if (event.target.closest(".pick")) count();
});

// Enter in a box would send the form, which nobody means who goes through rows.
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && event.target.matches(".pick input")) event.preventDefault();
});

let kept = new Set();
document.addEventListener("htmx:before:swap", () => {
  kept = new Set(boxes().filter((box) => box.checked).map((box) => box.value));
});
document.addEventListener("htmx:after:swap", () => {
  for (const box of boxes()) box.checked = kept.has(box.value);
  count();
});
count();
