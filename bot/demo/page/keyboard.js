// Inline keyboards: rows of buttons under a message.

import { copy } from "./clipboard.js";
import { h } from "./dom.js";
import { icon } from "./icons.js";
import { SAFE_URL, openLink } from "./links.js";
import { S } from "./strings.js";
import { toast } from "./toast.js";

export function renderKeyboard(message, rows, context) {
  return h("div", { class: "keyboard" }, rows.map((row) =>
    h("div", { class: "keys", vars: { "--columns": row.length } }, row.map((button) => renderButton(message, button, context)))));
}

function renderButton(message, button, context) {
  const { symbol, act, hint } = behaviour(message, button, context);
  const disabled = button.disabled !== undefined && button.disabled !== false;
  const key = h("button", {
    type: "button",
    class: ["key", STYLES.has(button.style) && `key-${button.style}`].filter(Boolean).join(" "),
    "aria-disabled": disabled ? "true" : null,
    title: hint,
    data: button.callback_data === undefined ? {} : { data: button.callback_data },
  }, h("span", { class: "key-text", dir: "auto" }, button.text), symbol && icon(symbol));
  if (context.isPending(message, button)) setPending(key, true);
  key.addEventListener("click", () => {
    if (!disabled && key.getAttribute("aria-busy") !== "true") act(key);
  });
  return key;
}

const STYLES = new Set(["danger", "success", "primary"]);

function behaviour(message, button, context) {
  if (button.copy_text) {
    return { symbol: "copy", act: () => copy(button.copy_text.text), hint: S.copyCode(button.copy_text.text) };
  }
  if (button.url && SAFE_URL.test(button.url)) {
    return { symbol: "link", act: () => openLink(null, button.url), hint: `${button.url} (${S.opensLink})` };
  }
  if (button.callback_data !== undefined || button.pay) return { act: () => context.pressed(button, message) };
  if (button.disabled !== undefined) return { act: () => {} };
  return { act: () => toast(S.unavailableButton) };
}

export function setPending(key, pending) {
  if (pending) key.setAttribute("aria-busy", "true");
  else key.removeAttribute("aria-busy");
}
