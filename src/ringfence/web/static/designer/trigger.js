// What starts the playbook: Configure says when, Advanced says how it is watched for.
import { Said, ask, html, useEffect, useState } from "./base.js";
import { desk, useDesk } from "./desk.js";
import { Choice, Field } from "./fields.js";
import { Head } from "./panel.js";
import { BEGINNINGS, TRIGGERS } from "./words.js";

const STATUS = { All: "All", Unknown: "Unknown", New: "New", InProgress: "In Progress", Resolved: "Resolved" };
const SEVERITY = ["All", "UnSpecified", "Informational", "Low", "Medium", "High"];
const CATEGORIES = [
  "Collection", "CommandAndControl", "CredentialAccess", "DefenseEvasion", "Discovery", "Execution", "Exfiltration", "Exploit", "Impact", "InitialAccess",
  "LateralMovement", "Malware", "Persistence", "PrivilegeEscalation", "Ransomware", "Reconnaissance", "SuspiciousActivity", "UnwantedSoftware",
];
const CHANGES = {
  created: "a new alert", updated: "any update", severity_raised: "the severity rises", severity_lowered: "the severity falls", reopened: "it is opened again",
  resolved: "it is resolved", reassigned: "somebody else has it", classified: "it is classified", remediated: "Defender has dealt with it", machine_added: "another machine is affected",
};

const put = (path, value) => desk.edit([{ op: "set", path: ["trigger", ...path], value }]);

export function TriggerPanel() {
  const trigger = useDesk((state) => state.sketch.trigger) ?? {};
  const problems = useDesk((state) => state.problems);
  const writable = useDesk((state) => state.info.may.write);
  const known = TRIGGERS[trigger.type] ?? { icon: "zap", word: "Trigger" };
  const at = (field) => problems.filter((each) => each.step === null && (each.field === `trigger.${field}` || each.field?.startsWith(`trigger.${field}.`)));
  const own = problems.filter((each) => each.step === null && each.field === "trigger");
  const common = { disabled: !writable };
  return html`<div className="form">
    <${Head} icon=${known.icon} title=${known.word} about=${known.about} />
    ${own.map((each) => html`<p key=${each.message} className=${`wrong tone-${each.severity}`}><${Said}>${`${each.message} ${each.advice}`}<//></p>`)}
    <div className="field"><label htmlFor="trigger-type">Starts by</label><${Choice} id="trigger-type" disabled=${!writable} required values=${Object.keys(TRIGGERS)} words=${Object.fromEntries(Object.entries(TRIGGERS).map(([type, each]) => [type, each.word]))}
      value=${trigger.type} onChange=${(type) => desk.edit([{ op: "set", path: ["trigger"], value: BEGINNINGS[type] }])} /></div>
    ${trigger.type === "defender.alert" ? html`<${Alert} trigger=${trigger} at=${at} common=${common} />` : html`<${Other} trigger=${trigger} at=${at} common=${common} />`}
  </div>`;
}

function Alert({ trigger, at, common }) {
  const info = useDesk((state) => state.info);
  const advanced = ["max_historical_poll_start", "poll_interval", "where", "run_per", "window", "gather"].some((key) => trigger[key] !== undefined);
  const changes = trigger.changes === undefined ? ["created"] : [trigger.changes].flat();
  const updates = changes.includes("updated");
  const name = trigger.service ? `${trigger.service} Trigger` : "";
  return html`<details className="more-fields" open><summary>Configure</summary><div className="form">
      <${Field} ...${common} name="name" label="Trigger name" value=${trigger.name} schema=${{ type: "string", description: name ? `Without one, it is called ${name}.` : "What people call it." }} problems=${at("name")} onChange=${(value) => put(["name"], value)} />
      <div className="field"><label htmlFor="trigger-source">Listens to</label>
        <select id="trigger-source" className="input" disabled=${common.disabled} value=${trigger.service ? `service:${trigger.service}` : trigger.account ? `account:${trigger.account}` : ""} onChange=${(event) => source(trigger, event.target.value)}>
          <option value="">every connected account</option>
          ${info.services.length > 0 && html`<optgroup label="Trigger services">${info.services.map((each) => html`<option key=${each} value=${`service:${each}`}>${each}</option>`)}</optgroup>`}
          ${info.accounts.length > 0 && html`<optgroup label="Accounts">${info.accounts.map((each) => html`<option key=${each} value=${`account:${each}`}>${each}</option>`)}</optgroup>`}
          ${trigger.service && !info.services.includes(trigger.service) && html`<option value=${`service:${trigger.service}`}>${trigger.service} (not there)</option>`}
        </select>${[...at("service"), ...at("account")].map((each) => html`<p key=${each.message} className=${`wrong tone-${each.severity}`}><${Said}>${`${each.message} ${each.advice}`}<//></p>`)}</div>
      <${Marks} legend="Status" values=${Object.keys(STATUS)} words=${STATUS} chosen=${[trigger.status ?? "All"].flat()} all="All" disabled=${common.disabled} problems=${at("status")} onChange=${(value) => put(["status"], value)} />
      <${Marks} legend="Severity" values=${SEVERITY} words=${{ UnSpecified: "Unspecified" }} chosen=${[trigger.severity ?? "All"].flat()} all="All" disabled=${common.disabled} problems=${at("severity")} onChange=${(value) => put(["severity"], value)} />
      <${Marks} legend="Category" values=${["All", ...new Set([...CATEGORIES, ...[trigger.category ?? []].flat()])].filter((each, index, list) => list.indexOf(each) === index)} words=${{}} chosen=${trigger.category?.length ? [trigger.category].flat() : ["All"]} all="All" disabled=${common.disabled} problems=${at("category")} onChange=${(value) => put(["category"], value)} />
      <p className="hint">An alert must meet all three.</p>
    </div></details>
    <details className="more-fields" open=${advanced}><summary>Advanced</summary><div className="form">
      <${History} value=${trigger.max_historical_poll_start} common=${common} problems=${at("max_historical_poll_start")} />
      <${Field} ...${common} name="poll_interval" label="Poll interval" value=${trigger.poll_interval} problems=${at("poll_interval")} schema=${{ type: "string", format: "duration", examples: ["1 min"], description: "How often Defender is asked; without it, as the service does." }} onChange=${(value) => put(["poll_interval"], value)} />
      <div className="field"><label className="check"><input type="checkbox" checked=${updates} disabled=${common.disabled} onChange=${(event) => put(["changes"], event.target.checked ? [...changes, "updated"] : rest(changes))} />Trigger for alert updates</label>
        <p className="hint">Starts for new alerts, and for updates of those that are there.</p></div>
      <${Marks} legend="Or only when" values=${Object.keys(CHANGES)} words=${CHANGES} chosen=${changes} disabled=${common.disabled} problems=${at("changes")} onChange=${(value) => put(["changes"], value)} />
      <${Field} ...${common} name="where" label="Only where" kind="run_expression" value=${trigger.where} problems=${at("where")} schema=${{ description: "JMESPath over what the trigger publishes, such as contains(alert.title, 'ransom'); must be true." }} onChange=${(value) => put(["where"], value || null)} />
      <div className="field"><label htmlFor="trigger-per">One run for each</label><${Choice} id="trigger-per" disabled=${common.disabled} required values=${["alert", "machine", "incident"]} value=${trigger.run_per ?? "alert"}
        onChange=${(value) => desk.edit([{ op: "set", path: ["trigger", "run_per"], value: value === "alert" ? null : value }, ...(value === "alert" ? ["window", "gather"].filter((key) => trigger[key] !== undefined).map((key) => ({ op: "set", path: ["trigger", key], value: null })) : [])])} /></div>
      ${trigger.run_per && trigger.run_per !== "alert" && html`<div className="two"><${Field} ...${common} name="window" value=${trigger.window} problems=${at("window")} schema=${{ type: "string", examples: ["15 min"], description: "Alerts within it join the run." }} onChange=${(value) => put(["window"], value)} />
        <${Field} ...${common} name="gather" value=${trigger.gather} problems=${at("gather")} schema=${{ type: "string", examples: ["30 s"], description: "The run waits so long for others." }} onChange=${(value) => put(["gather"], value)} /></div>`}
    </div></details>`;
}

const rest = (changes) => {
  const kept = changes.filter((each) => each !== "updated");
  return kept.length && kept.join() !== "created" ? kept : null;
};

function source(trigger, value) {
  const [kind, ...name] = value.split(":");
  const changes = ["service", "account"].filter((key) => trigger[key] !== undefined && key !== kind).map((key) => ({ op: "set", path: ["trigger", key], value: null }));
  desk.edit([...changes, ...(value ? [{ op: "set", path: ["trigger", kind], value: name.join(":") }] : [])]);
}

// Several of a few: `all` alone means any.
function Marks({ legend, values, words, chosen, all, disabled, problems, onChange }) {
  // Who marks several quickly means them all: what was marked counts before the server has answered.
  const [picked, setPicked] = useState(chosen);
  useEffect(() => setPicked(chosen), [chosen.join()]);
  const take = (next) => {
    setPicked(next ?? [all]);
    onChange(next);
  };
  const toggle = (value, on) => {
    if (value === all) return take(on ? null : [values[1]]);
    const next = (on ? [...picked, value] : picked.filter((each) => each !== value)).filter((each) => each !== all);
    return take(next.length ? values.filter((each) => next.includes(each)) : null);
  };
  return html`<fieldset className="marks"><legend className="label">${legend}</legend><div>${values.map((value) => html`<label key=${value}><input type="checkbox" checked=${picked.includes(value)} disabled=${disabled} onChange=${(event) => toggle(value, event.target.checked)} />${words[value] ?? value.replace(/([a-z])([A-Z])/g, "$1 $2")}</label>`)}</div>
    ${problems.map((each) => html`<p key=${each.message} className=${`wrong tone-${each.severity}`}><${Said}>${`${each.message} ${each.advice}`}<//></p>`)}</fieldset>`;
}

// Words such as "30 days ago", with the date that they mean now.
function History({ value, common, problems }) {
  const [means, setMeans] = useState(null);
  useEffect(() => {
    let wanted = true;
    setMeans(null);
    if (value) ask("/moment", { body: { text: value } }).then((said) => wanted && setMeans(said.at), () => {});
    return () => {
      wanted = false;
    };
  }, [value]);
  const exact = means && new Date(means).toLocaleString(undefined, { dateStyle: "full", timeStyle: "short" });
  return html`<${Field} ...${common} name="max_historical_poll_start" label="Max historical poll start" value=${value} problems=${problems} onChange=${(text) => put(["max_historical_poll_start"], text)}
    schema=${{ type: "string", examples: ["30 days ago"], description: html`How far back the first look goes, and one after a longer pause.${exact ? html` <strong>Now that is ${exact}.</strong>` : ""}` }} />`;
}

const FORMS = {
  webhook: [["hook", { type: "string", description: "The webhook's name; webhooks are made in Ringfence." }, true], ["where", { description: "JMESPath over the message; must be true." }, false, "run_expression"]],
  timer: [["cron", { type: "string", description: "Minute, hour, day, month, weekday: 0 6 * * 1-5. Or leave it empty and say every." }], ["every", { type: "string", examples: ["1 h"], description: "Whole minutes, 1 min to 7 d." }], ["time_zone", { type: "string", examples: ["Europe/Berlin"], description: "Of the cron expression." }]],
  mailbox: [["mailbox", { type: "string", description: "The mailbox's name." }, true], ["where", { description: "JMESPath over the message; must be true." }, false, "run_expression"]],
  service: [["service", { type: "string", description: "Which trigger service; they are made at Services." }, true], ["where", { description: "JMESPath over the event, such as event.severity == 'high'; must be true." }, false, "run_expression"]],
  change: [["of", { enum: ["alert", "incident", "containment", "account"], description: "Whose changes." }, true], ["changes", { type: "array", description: "Which; none: all of them." }], ["where", { description: "JMESPath over what changed; must be true." }, false, "run_expression"]],
  error: [["playbooks", { type: "array", description: "Of which playbooks; none: of all others." }], ["where", { description: "JMESPath over the failed run; must be true." }, false, "run_expression"]],
  manual: [["on", { enum: ["nothing", "alert", "machine", "incident"], description: "What a person starts it on." }], ["inputs", { type: "object", description: "What the person is asked, by name; write the details in the YAML tab." }]],
};

function Other({ trigger, at, common }) {
  const fields = FORMS[trigger.type] ?? [];
  const shown = new Set(["type", "name", "account", ...fields.map(([name]) => name)]);
  const info = useDesk((state) => state.info);
  return html`<${Field} ...${common} name="name" label="Trigger name" value=${trigger.name} schema=${{ type: "string", description: "What people call it." }} problems=${at("name")} onChange=${(value) => put(["name"], value)} />
    ${fields.map(([name, known, required, kind]) => [name, name === "service" && info.packaged.length ? { ...known, enum: info.packaged } : known, required, kind]).map(([name, schema, required, kind]) => html`<${Field} key=${name} ...${common} name=${name} schema=${schema} required=${required} kind=${kind ?? "value"} value=${trigger[name]} problems=${at(name)} onChange=${(value) => put([name], value || null)} />`)}
    <${Field} ...${common} name="account" value=${trigger.account} schema=${{ enum: info.accounts, description: "With which connected account the steps reach Defender." }} problems=${at("account")} onChange=${(value) => put(["account"], value)} />
    ${Object.keys(trigger).filter((name) => !shown.has(name)).map((name) => html`<${Field} key=${name} ...${common} name=${name} value=${trigger[name]} schema=${{}} problems=${at(name)} onChange=${(value) => put([name], value)} />`)}`;
}
