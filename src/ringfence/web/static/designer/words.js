// How actions, triggers and outcomes are shown.
const ICONS = {
  "logic.condition": "split", "logic.switch": "git-branch", "logic.approval": "users", "logic.delay": "timer",
  "logic.wait_until": "hourglass", "logic.stop": "octagon-alert", "logic.set": "equal", "playbook.call": "workflow",
  alert: "bell", containment: "shield-check", defender: "shield", graph_security: "network", http: "globe",
  incident: "shield-alert", jmespath: "braces", json: "braces", mail: "mail", notify: "send", table: "table", task: "list",
  text: "code", time: "clock", webhook: "webhook", xdr: "network",
};

export const iconOf = (action) => ICONS[action] ?? ICONS[action.split(".")[0]] ?? "plug";

export const EFFECTS = {
  pure: { tone: "quiet", word: "Computes", about: "It only computes or waits." },
  read: { tone: "info", word: "Reads", about: "It reads, and changes nothing." },
  write: { tone: "warn", word: "Changes", about: "It changes a record, or tells somebody." },
  contain: { tone: "held", word: "Contains", about: "It cuts a host off or lets it go, through policy." },
};

export const TRIGGERS = {
  "defender.alert": { icon: "bell", word: "Defender alert", about: "An alert of a connected Defender account matches." },
  webhook: { icon: "webhook", word: "Webhook", about: "A signed message comes to an address." },
  timer: { icon: "timer", word: "Timer", about: "By the clock: cron, or every so often." },
  mailbox: { icon: "mail", word: "Mailbox", about: "A mail comes to a mailbox that is watched." },
  service: { icon: "plug", word: "Service of a package", about: "A trigger service that a package brings gives an event." },
  change: { icon: "activity", word: "Change here", about: "An alert, incident, containment or account changes here." },
  error: { icon: "circle-alert", word: "Failed run", about: "A run of another playbook has failed." },
  manual: { icon: "user", word: "By hand", about: "A person starts it." },
};

// What a trigger begins as when it is taken from the toolbox.
export const BEGINNINGS = {
  "defender.alert": { type: "defender.alert", status: ["New"], severity: ["High"] },
  webhook: { type: "webhook", hook: "" },
  timer: { type: "timer", every: "1 h" },
  mailbox: { type: "mailbox", mailbox: "" },
  service: { type: "service", service: "" },
  change: { type: "change", of: "containment" },
  error: { type: "error" },
  manual: { type: "manual" },
};

export const portWord = (outcome) => (outcome === "" ? "then" : outcome);

export function asEntry(step, outcome) {
  return outcome ? `${step}.${outcome}` : step;
}

// What goes on usually goes on so: the unnamed outcome, else the first, such as `approved`.
export const goesOn = (outcomes) => (outcomes.includes("success") || !outcomes.length ? undefined : outcomes[0]);

// `${…}` of a value, or the value, as one short line.
export function short(value, most = 80) {
  const text = typeof value === "string" ? value : JSON.stringify(value) ?? "";
  const line = text.replace(/\s+/g, " ").trim();
  return line.length > most ? `${line.slice(0, most - 1)}…` : line;
}
