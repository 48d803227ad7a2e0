// Lengths of time and moments, as the other pages say them.
import { html, useEffect, useState } from "./base.js";

export function length(seconds) {
  if (seconds < 0.001) return "0 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const whole = Math.floor(seconds);
  const pair = (big, unit, small, other) => (small ? `${big} ${unit} ${small} ${other}` : `${big} ${unit}`);
  if (whole < 3600) return pair(Math.floor(whole / 60), "min", whole % 60, "s");
  if (whole < 86400) return pair(Math.floor(whole / 3600), "h", Math.floor((whole % 3600) / 60), "min");
  return pair(Math.floor(whole / 86400), "d", Math.floor((whole % 86400) / 3600), "h");
}

export const between = (from, to) => length(Math.max(0, (Date.parse(to) - Date.parse(from)) / 1000));

// What goes on: how long it has lasted, second by second.
export function Lasting({ since }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return html`<span>${length(Math.max(0, Math.floor((now - Date.parse(since)) / 1000)))}</span>`;
}

// An exact moment, in the words of who looks.
export function Moment({ at }) {
  const moment = new Date(at);
  return html`<time dateTime=${at} title=${at}>${moment.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" })}</time>`;
}
