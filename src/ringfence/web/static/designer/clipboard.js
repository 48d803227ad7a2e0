// Copying as YAML text, so that steps can be pasted into another playbook, a review or a mail.
import { Refused, announce, toast } from "./base.js";
import { desk, stepOf } from "./desk.js";

const FLOW = "These steps stand in one line with others. Put each on lines of its own (YAML tab) to copy them.";

export function fragment(names) {
  const lines = desk.state.source.split("\n");
  const parts = desk.state.sketch.steps.filter((step) => names.includes(step.name)).map((step) => {
    if (!step.first) throw new Refused(0, { message: FLOW });
    return lines.slice(step.first - 1, step.last);
  });
  const column = Math.min(...parts.map(([first]) => first.search(/\S/)));
  return `steps:\n${parts.flat().map((line) => (line.trim() ? `  ${line.slice(column)}` : line)).join("\n")}\n`;
}

// The browser's own events need neither a permission nor a secure address.
export function onClipboard(event) {
  const element = document.activeElement;
  if (!element?.classList.contains("react-flow__node")) return;
  const name = element.dataset.id === "t" ? "" : element.dataset.id.slice(2);
  const { selection, compared } = desk.state;
  if (compared) return;
  const names = (selection.includes(name) ? selection : [name]).filter(Boolean);
  if (event.type === "paste") {
    if (desk.drawable) put(event.clipboardData.getData("text/plain"), name);
  } else {
    if (!names.length) return;
    try {
      event.clipboardData.setData("text/plain", fragment(names));
    } catch (refused) {
      toast(refused.message);
      return;
    }
    announce(`${names.length === 1 ? names[0] : `${names.length} steps`} copied.`);
    if (event.type === "cut" && desk.drawable) desk.edit([{ op: "remove", steps: names }]);
  }
  event.preventDefault();
}

function put(text, name) {
  const after = name && stepOf(name)?.outcomes.includes("") ? { after: name } : {};
  desk.edit([{ op: "paste", text, ...after }], { select: true });
}
