// One message: bubble, text, and the keyboard under it.

import { h } from "./dom.js";
import { renderText } from "./entities.js";
import { icon } from "./icons.js";
import { renderKeyboard } from "./keyboard.js";
import { isOwn } from "./store.js";
import { S } from "./strings.js";
import { clockTime, fullTime } from "./time.js";

// `context`: { userId, language, botName, sendCommand, ownLink(url), current(messageId), pressed(button, message),
// isPending(message, data) }
export function renderMessage(message, context) {
  const own = isOwn(message, context.userId);
  const keyboard = message.reply_markup?.inline_keyboard;
  const item = h("article", {
    class: ["message", own ? "own" : "theirs", keyboard?.length && "with-keyboard"].filter(Boolean).join(" "),
    data: { id: message.message_id },
    "aria-label": `${own ? S.you : context.botName}, ${clockTime(message.date)}`,
  });
  item.append(renderBubble(message, context));
  if (keyboard?.length) item.append(renderKeyboard(message, keyboard, context));
  return item;
}

function renderBubble(message, context) {
  return h("div", { class: "bubble", tabindex: "-1" },
    message.reply_to_message && quoted(message.reply_to_message, context),
    attachment(message),
    h("div", { class: "text", dir: "auto" }, body(message, context), h("span", { class: "meta-space", "aria-hidden": "true" })),
    meta(message));
}

function body(message, context) {
  if (message.text !== undefined) return renderText(message.text, message.entities, context);
  if (message.caption) return renderText(message.caption, message.caption_entities, context);
  if (message.invoice) return [h("strong", {}, message.invoice.title), `\n${message.invoice.description}`];
  if (message.successful_payment) return S.paid(message.successful_payment.total_amount);
  if (message.refunded_payment) return S.refunded(message.refunded_payment.total_amount);
  return message.document || message.photo ? "" : h("em", {}, S.unsupported);
}

function attachment(message) {
  if (message.document) return chip("file", message.document.file_name || S.file, size(message.document.file_size));
  if (message.photo) return chip("file", S.photo, "");
  if (message.invoice) return h("div", { class: "price" }, S.invoice(message.invoice.total_amount, message.invoice.currency));
  return null;
}

function chip(symbol, name, detail) {
  return h("div", { class: "file" }, icon(symbol), h("span", { class: "file-name" }, name), detail && h("span", { class: "file-size" }, detail));
}

function size(bytes) {
  if (!bytes) return "";
  return bytes < 1024 ? `${bytes} B` : `${(bytes / 1024).toFixed(1)} KB`;
}

function quoted(original, context) {
  const who = isOwn(original, context.userId) ? S.you : context.botName;
  // The message may have been edited since: as in Telegram, the quote shows what it says now.
  const now = context.current?.(original.message_id) ?? original;
  return h("div", { class: "quoted" }, h("b", {}, who), h("span", { dir: "auto", data: { quotes: original.message_id } }, quote(now)));
}

// A message in a line or less. What is hidden in it stays hidden.
export function quote(message) {
  const text = message.text ?? message.caption;
  if (text === undefined) return S.file;
  const hidden = (message.entities ?? message.caption_entities ?? []).filter((entity) => entity.type === "spoiler");
  return hidden.reduce((shown, { offset, length }) => shown.slice(0, offset) + "▒".repeat(length) + shown.slice(offset + length), text);
}

function meta(message) {
  return h("span", { class: "meta" },
    message.edit_date && h("span", { title: S.editedAt(fullTime(message.edit_date)) }, S.edited),
    h("time", { datetime: new Date(message.date * 1000).toISOString(), title: fullTime(message.date) }, clockTime(message.date)));
}
