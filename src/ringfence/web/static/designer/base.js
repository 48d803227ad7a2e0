// What every part of the designer builds on: React with htm instead of JSX, icons, and words with the server.
import { React, htm } from "../vendor/canvas.min.js";

export const html = htm.bind(React.createElement);
export const { useCallback, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, useSyncExternalStore, memo } = React;

export const root = document.getElementById("designer");
const { base, csrf, icons } = root.dataset;

export function Icon({ name, label }) {
  return html`<svg className="icon" ...${label ? { role: "img", "aria-label": label } : { "aria-hidden": true }}>
    <use href=${`${icons}#${name}`} /></svg>`;
}

export function Button({ icon, label, children, plain, primary, ...rest }) {
  const kind = `button${primary ? " primary" : ""}${plain ? " plain" : ""}${children ? "" : " square"}`;
  return html`<button type="button" className=${kind} title=${label} aria-label=${children ? undefined : label} ...${rest}>
    ${icon && html`<${Icon} name=${icon} />`}${children}</button>`;
}

// What the server did not do, in words for people.
export class Refused extends Error {
  constructor(status, { message, advice = "", problems = [], code = "" }) {
    super(message);
    Object.assign(this, { status, advice, problems, code });
  }
}

export async function ask(path, { method, body, headers = {} } = {}) {
  const sent = { method: method ?? (body === undefined ? "GET" : "POST"), headers: { ...headers }, redirect: "manual" };
  if (sent.method !== "GET") sent.headers["X-CSRF-Token"] = csrf;
  if (body !== undefined) {
    sent.headers["Content-Type"] = "application/json";
    sent.body = JSON.stringify(body);
  }
  let answer;
  try {
    answer = await fetch(`${base}${path}`, sent);
  } catch {
    throw new Refused(0, { message: "Ringfence does not answer.", advice: "Nothing is lost here. Try again in a moment." });
  }
  if (!answer.headers.get("content-type")?.startsWith("application/json")) {
    throw new Refused(answer.status || 401, {
      message: "You are no longer signed in.",
      advice: "Sign in again in another tab, then go on here: nothing is lost.",
    });
  }
  const said = await answer.json();
  if (!answer.ok) throw new Refused(answer.status, said);
  return said;
}

export function toast(words) {
  const area = document.getElementById("toasts");
  const line = document.createElement("p");
  line.textContent = words;
  area.replaceChildren(line);
  setTimeout(() => line.remove(), 8000);
}

export function announce(words) {
  document.getElementById("announce").textContent = words;
}

export const many = (number, what) => `${number} ${what}${number === 1 ? "" : "s"}`;

// Sentences in which `code` is marked.
export function Said({ children }) {
  const parts = String(children ?? "").split("`");
  return parts.length < 3 ? parts.join("`") : parts.map((part, index) => (index % 2 ? html`<code key=${index}>${part}</code>` : part));
}
