// Short notes at the bottom, and dialogs.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { S } from "./strings.js";

const SHOWN_MS = 3200;
const MOST = 3;

const shelf = h("div", { class: "toasts", role: "status", "aria-live": "polite" });
// A modal dialog makes the rest of the page inert, notes too; they belong into the top layer then.
shelf.popover = "manual";

export function installToasts(parent) {
  parent.append(shelf);
}

export function toast(text, kind = "plain") {
  const symbol = { done: "check", error: "alert" }[kind];
  const note = h("div", { class: `toast toast-${kind}` }, symbol && icon(symbol), h("span", {}, text));
  shelf.append(note);
  while (shelf.childElementCount > MOST) shelf.firstElementChild.remove();
  shelf.hidePopover();
  shelf.showPopover();
  setTimeout(() => {
    note.classList.add("leaving");
    setTimeout(() => {
      note.remove();
      if (!shelf.childElementCount) shelf.hidePopover();
    }, 200);
  }, SHOWN_MS + text.length * 20);
}

export const toastError = (error) => toast(error.message || S.failed, "error");

// A modal with the given body; resolves with the value of the button that closed it, "" for Esc or the backdrop.
export function dialog({ title, text, body = [], actions }) {
  const box = h("dialog", { class: "dialog", "aria-label": title ?? text });
  const form = h("form", { method: "dialog" },
    title && h("h2", {}, title),
    text && h("p", { class: "dialog-text" }, text),
    body,
    h("div", { class: "dialog-actions" }, actions.map(({ label, value, primary }) =>
      h("button", {
        class: primary ? "button button-primary" : "button",
        value,
        type: value ? "submit" : "button",
        ...(value ? {} : { onclick: () => box.close("") }),
      }, label))));
  // form-action 'none' of the content policy would also stop method=dialog in some browsers.
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    box.close(event.submitter?.value || actions.find((action) => action.primary)?.value || "");
  });
  box.append(form);
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close("");
  });
  const opener = document.activeElement;
  document.body.append(box);
  box.showModal();
  return new Promise((resolve) => {
    box.addEventListener("close", () => {
      box.remove();
      if (opener?.isConnected) opener.focus();
      resolve(box.returnValue);
    });
  });
}

export const alertDialog = (text) => dialog({ text, actions: [{ label: S.ok, value: "ok", primary: true }] });
