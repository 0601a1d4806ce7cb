// Times as people read them, and the one clock that keeps them current.

const relativeFormats = new Map();

function relativeFormat(language) {
  if (!relativeFormats.has(language)) {
    relativeFormats.set(language, new Intl.RelativeTimeFormat(language, { numeric: "auto", style: "short" }));
  }
  return relativeFormats.get(language);
}

const UNITS = [["day", 86_400], ["hour", 3_600], ["minute", 60], ["second", 1]];

// "in 14 min", "2 hr ago"; `unix` in seconds.
export function relative(unix, language, nowMs = Date.now()) {
  const seconds = Math.round(unix - nowMs / 1000);
  const [unit, size] = UNITS.find(([, size]) => Math.abs(seconds) >= size) ?? UNITS.at(-1);
  return relativeFormat(language).format(Math.round(seconds / size), unit).replace(/\.$/, "");
}

// A Bot API date_time_format: "r", or w? then d or D, then t or T. Null when the text itself is to be shown.
export function formatted(unix, format, language) {
  if (!format) return null;
  if (format === "r") return relative(unix, language);
  const options = {};
  if (format.includes("w")) options.weekday = "short";
  if (format.includes("d")) Object.assign(options, { day: "numeric", month: "numeric", year: "2-digit" });
  if (format.includes("D")) Object.assign(options, { day: "numeric", month: "long", year: "numeric" });
  if (/[tT]/.test(format)) Object.assign(options, { hour: "2-digit", minute: "2-digit" });
  if (format.includes("T")) options.second = "2-digit";
  return new Intl.DateTimeFormat(language, options).format(unix * 1000);
}

export const clockTime = (unix) =>
  new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(unix * 1000);

export const fullTime = (unix) =>
  new Intl.DateTimeFormat("en", { dateStyle: "long", timeStyle: "medium" }).format(unix * 1000);

export const dayKey = (unix) => new Date(unix * 1000).toDateString();

export function dayName(unix, names, now = new Date()) {
  const day = new Date(unix * 1000);
  if (day.toDateString() === now.toDateString()) return names.today;
  const yesterday = new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1);
  if (day.toDateString() === yesterday.toDateString()) return names.yesterday;
  const year = day.getFullYear() === now.getFullYear() ? undefined : "numeric";
  return new Intl.DateTimeFormat("en", { day: "numeric", month: "long", year }).format(day);
}

// "14:05", "3:02:11", "6 d 04:12"; empty when nothing is left.
export function countdown(ms) {
  if (ms <= 0) return "";
  const total = Math.ceil(ms / 1000);
  const two = (n) => String(n).padStart(2, "0");
  const [days, hours, minutes, seconds] = [total / 86_400, (total / 3_600) % 24, (total / 60) % 60, total % 60].map(Math.floor);
  if (days) return `${days} d ${two(hours)}:${two(minutes)}`;
  return hours ? `${hours}:${two(minutes)}:${two(seconds)}` : `${two(minutes)}:${two(seconds)}`;
}

const ticking = new Map(); // node -> refresh(node)

// Run `refresh(node)` now and every second while the node is in the page.
export function tick(node, refresh) {
  refresh(node);
  ticking.set(node, refresh);
  return node;
}

setInterval(() => {
  for (const [node, refresh] of ticking) {
    if (node.isConnected) refresh(node);
    else ticking.delete(node);
  }
}, 1000);
