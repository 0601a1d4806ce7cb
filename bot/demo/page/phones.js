// The other end of the line: the sandbox supplier, its phones, and the SMS one lets arrive on them.

import { api } from "./api.js";
import { copy } from "./clipboard.js";
import { arrange, h, roving, setText } from "./dom.js";
import { icon } from "./icons.js";
import { createCard } from "./phonecard.js";
import { isOpen } from "./store.js";
import { S } from "./strings.js";
import { toastError } from "./toast.js";

const CLOSED_SHOWN = 12;

export function createPhones(store, showChat) {
  const count = h("span", { class: "count" });
  const open = h("div", { class: "cards" });
  const closed = h("div", { class: "cards cards-closed" });
  const closedTitle = h("span");
  const history = h("details", { class: "history", hidden: true },
    h("summary", {}, closedTitle, icon("chevron")), h("p", { class: "hint" }, S.closedHint), closed);
  const empty = h("div", { class: "phones-empty", hidden: true },
    h("span", { class: "phones-empty-icon" }, icon("phone")), h("h3", {}, S.phonesEmpty), h("p", {}, S.phonesEmptyHint),
    h("button", { type: "button", class: "button only-narrow", onclick: showChat }, S.toChat));
  const cards = new Map(); // provider_ref -> card

  function card(phone) {
    const known = cards.get(phone.provider_ref);
    if (known) known.update(phone);
    else cards.set(phone.provider_ref, createCard(phone, { isNew: store.loaded && seen, copy }));
    return cards.get(phone.provider_ref).node;
  }

  let seen = false; // what is there at the first look does not animate in
  function render() {
    const inUse = store.phones.filter(isOpen);
    const over = store.phones.filter((phone) => !isOpen(phone));
    arrange(open, inUse.map(card));
    arrange(closed, over.slice(0, CLOSED_SHOWN).map(card));
    for (const [ref, { node }] of cards) if (!node.isConnected && !open.contains(node) && !closed.contains(node)) cards.delete(ref);
    empty.hidden = inUse.length > 0;
    history.hidden = over.length === 0;
    setText(closedTitle, S.closed(over.length));
    setText(count, inUse.length ? S.inUse(inUse.length) : "");
    count.hidden = !inUse.length;
    seen = true;
  }

  for (const kind of ["reset", "phones"]) store.on(kind, render);
  return h("aside", { class: "phones", id: "phones", "aria-labelledby": "phones-title" },
    h("header", { class: "phones-head" },
      h("div", { class: "phones-title" }, h("h2", { id: "phones-title" }, S.phones), count),
      h("p", { class: "hint" }, S.phonesSub)),
    h("div", { class: "controls" }, supplier(store), blockToggle(store)),
    h("div", { class: "phones-scroll", tabindex: "-1" }, empty, open, history));
}

function supplier(store) {
  const hint = h("p", { class: "hint", id: "mode-hint" });
  const buttons = Object.entries(S.modes).map(([mode, label]) =>
    h("button", { type: "button", role: "radio", class: `mode mode-${mode}`, data: { mode }, onclick: () => choose(mode), onfocus: (event) => focused(event, mode) }, label));
  const group = h("div", { class: "segments", role: "radiogroup", "aria-label": S.supplier, "aria-describedby": "mode-hint" }, buttons);

  // A radio group chooses with the arrow keys; a Tab into it changes nothing.
  function focused(event, mode) {
    if (arrowed) choose(mode);
    arrowed = false;
  }
  let arrowed = false;
  group.addEventListener("keydown", (event) => {
    arrowed = event.key.startsWith("Arrow") || event.key === "Home" || event.key === "End";
  }, true);
  roving(group, () => buttons);

  function choose(mode) {
    if (mode !== store.mode) api.provider(mode).catch(toastError);
  }

  function render() {
    for (const button of buttons) {
      const on = button.dataset.mode === store.mode;
      button.setAttribute("aria-checked", String(on));
      button.tabIndex = on ? 0 : -1;
    }
    setText(hint, S.modeHints[store.mode] ?? "");
  }

  for (const kind of ["reset", "provider"]) store.on(kind, render);
  render();
  return h("section", { class: "control" }, h("h3", {}, S.supplier), hint, group);
}

function blockToggle(store) {
  const hint = h("span", { class: "hint" });
  const toggle = h("button", { type: "button", class: "switch", role: "switch", "aria-checked": "false", onclick: flip },
    h("span", { class: "switch-text" }, h("span", { class: "switch-label" }, S.blockToggle), hint), h("span", { class: "switch-track", "aria-hidden": "true" }, h("i")));

  function flip() {
    const { user } = store;
    if (user) api.block(user.id, !user.blocked).catch(toastError);
  }

  function render() {
    const { user } = store;
    toggle.hidden = !user;
    if (!user) return;
    toggle.setAttribute("aria-checked", String(user.blocked));
    setText(hint, S.blockToggleHint(user.name));
  }

  for (const kind of ["reset", "users", "active"]) store.on(kind, render);
  return toggle;
}
