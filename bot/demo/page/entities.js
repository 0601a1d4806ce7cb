// Bot API text with entities, as nodes. Offsets count UTF-16 units, as JavaScript's strings do.

import { copy } from "./clipboard.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { S } from "./strings.js";
import { SAFE_URL, openLink } from "./links.js";
import { formatted, fullTime, tick } from "./time.js";

// `context`: { language, sendCommand(text), ownLink(url): what a click on a link to this bot does, else null }
export function renderText(text, entities, context) {
  const sorted = [...(entities ?? [])]
    .filter((entity) => entity.length > 0)
    .sort((a, b) => a.offset - b.offset || b.length - a.length);
  return renderRange({ text, context }, 0, text.length, sorted);
}

function renderRange(source, start, end, entities) {
  const nodes = [];
  let at = start;
  const rest = [...entities];
  while (rest.length) {
    const entity = rest.shift();
    const from = Math.max(entity.offset, at);
    const to = Math.min(entity.offset + entity.length, end);
    if (from >= to) continue;
    if (from > at) nodes.push(source.text.slice(at, from));
    const inside = [];
    const beyond = [];
    while (rest.length && rest[0].offset < to) {
      const next = rest.shift();
      inside.push(next);
      // Entities may overlap only by nesting; one that does not is cut in two, so that no text is lost.
      if (next.offset + next.length > to) beyond.push({ ...next, offset: to, length: next.offset + next.length - to });
    }
    rest.unshift(...beyond);
    nodes.push(renderEntity(source, entity, from, to, inside));
    at = to;
  }
  if (at < end) nodes.push(source.text.slice(at, end));
  return trimAroundBlocks(nodes);
}

const BLOCKS = new Set(["BLOCKQUOTE", "FIGURE"]);

// A block begins and ends a line by itself; the line break beside it would show as an empty line.
function trimAroundBlocks(nodes) {
  return nodes.map((node, i) => {
    if (typeof node !== "string") return node;
    let text = node;
    if (BLOCKS.has(nodes[i - 1]?.tagName)) text = text.replace(/^\n/, "");
    if (BLOCKS.has(nodes[i + 1]?.tagName)) text = text.replace(/\n$/, "");
    return text;
  });
}

function renderEntity(source, entity, from, to, inside) {
  const render = RENDERERS[entity.type] ?? ((_, children) => h("span", {}, children));
  const piece = source.text.slice(from, to);
  return render(entity, renderRange(source, from, to, inside), { piece, source, from, to });
}

const wrap = (tag) => (_, children) => h(tag, {}, children);
const linked = (toUrl) => (entity, children, { piece, source }) => link(toUrl(piece, entity), children, source.context.ownLink?.(toUrl(piece, entity)));

const RENDERERS = {
  bold: wrap("strong"),
  italic: wrap("em"),
  underline: wrap("u"),
  strikethrough: wrap("s"),
  code: (_, __, { piece, source, from, to }) => codeButton(piece, standsAlone(source.text, from, to)),
  pre: (entity, _, { piece }) => pre(piece, entity.language),
  text_link: (entity, children) => link(entity.url, children, (event) => openLink(event, entity.url)),
  url: linked((piece) => (SAFE_URL.test(piece) ? piece : `https://${piece}`)),
  email: linked((piece) => `mailto:${piece}`),
  phone_number: (_, children, { piece }) => phoneNumber(piece, children),
  mention: (_, children) => h("span", { class: "mention" }, children),
  text_mention: (_, children) => h("span", { class: "mention" }, children),
  hashtag: (_, children) => h("span", { class: "mention" }, children),
  cashtag: (_, children) => h("span", { class: "mention" }, children),
  bot_command: (_, children, { piece, source }) => command(piece, children, source.context),
  spoiler: (_, children) => spoiler(children),
  blockquote: (_, children) => h("blockquote", {}, children),
  expandable_blockquote: (_, children) => expandable(children),
  date_time: (entity, children, { piece, source }) => dateTime(entity, children, piece, source.context),
  custom_emoji: (_, children) => h("span", { class: "custom-emoji" }, children),
};

// A code alone on its line is what the message is about: it is shown large.
function standsAlone(text, from, to) {
  const lineStart = text.lastIndexOf("\n", from - 1) + 1;
  const lineEnd = text.indexOf("\n", to);
  const line = text.slice(lineStart, from) + text.slice(to, lineEnd < 0 ? undefined : lineEnd);
  return !/[\p{L}\p{N}]/u.test(line) && to - from <= 24;
}

function codeButton(text, alone) {
  return h("button", {
    type: "button",
    class: alone ? "code code-large" : "code",
    "aria-label": S.copyCode(text),
    title: S.copyCode(text),
    onclick: () => copy(text),
  }, text);
}

function pre(text, language) {
  return h("figure", { class: "pre" },
    h("button", { type: "button", class: "pre-copy", "aria-label": S.copyCode(language || "code"), onclick: () => copy(text) },
      h("span", {}, language || ""), icon("copy")),
    h("pre", { tabindex: "0" }, h("code", {}, text)));
}

// A sandbox number leads nowhere, so that copying it is all one can want.
function phoneNumber(text, children) {
  return h("button", { type: "button", class: "command", title: S.copyCode(text), onclick: () => copy(text) }, children);
}

function link(url, children, onclick) {
  if (!SAFE_URL.test(url)) return h("span", {}, children);
  return h("a", { href: url, target: "_blank", rel: "noopener noreferrer nofollow", title: url, ...(onclick && { onclick }) }, children);
}

function command(text, children, context) {
  return h("button", { type: "button", class: "command", title: S.sendCommand(text), onclick: () => context.sendCommand(text) }, children);
}

function spoiler(children) {
  const inner = h("span", { class: "spoiler-text", inert: true }, children);
  const box = h("span", { class: "spoiler" }, inner);
  const cover = h("button", { type: "button", class: "spoiler-cover", "aria-label": S.spoiler, title: S.spoiler });
  cover.addEventListener("click", (event) => {
    event.stopPropagation();
    box.classList.add("shown");
    inner.inert = false;
    cover.remove();
    (inner.querySelector("button, a") ?? box.closest(".bubble"))?.focus({ preventScroll: true });
  });
  box.append(cover);
  return box;
}

function expandable(children) {
  const inner = h("div", { class: "quote-inner" }, children);
  const toggle = h("button", { type: "button", class: "quote-toggle", "aria-expanded": "false" }, S.showMore);
  const quote = h("blockquote", { class: "expandable" }, inner, toggle);
  toggle.addEventListener("click", () => {
    const open = quote.classList.toggle("open");
    toggle.setAttribute("aria-expanded", String(open));
    toggle.textContent = open ? S.showLess : S.showMore;
  });
  // A quote that is short enough to be seen whole needs no toggle; only the layout knows.
  new ResizeObserver(() => {
    if (!quote.classList.contains("open")) toggle.hidden = inner.scrollHeight <= inner.clientHeight + 1;
  }).observe(inner);
  return quote;
}

function dateTime(entity, children, piece, context) {
  const unix = entity.unix_time;
  const node = h("time", { class: "date-time", datetime: new Date(unix * 1000).toISOString(), title: fullTime(unix) });
  const shown = () => formatted(unix, entity.date_time_format, context.language);
  if (shown() === null) {
    node.append(...children);
    return node;
  }
  const text = document.createTextNode(piece);
  node.append(text);
  const refresh = () => {
    const now = shown();
    if (text.data !== now) text.data = now;
  };
  if (entity.date_time_format === "r") return tick(node, refresh);
  refresh();
  return node;
}
