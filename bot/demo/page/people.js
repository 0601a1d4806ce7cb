// The people of the demo: each a Telegram account with a chat of its own.

import { api } from "./api.js";
import { arrange, h, roving, setText } from "./dom.js";
import { icon } from "./icons.js";
import { quote } from "./message.js";
import { S } from "./strings.js";
import { clockTime } from "./time.js";
import { dialog, toastError } from "./toast.js";

const HUES = [262, 165, 22, 315, 205, 85, 345, 130, 290, 50];

export function avatar(user) {
  const initials = user.name.trim().split(/\s+/).slice(0, 2).map((word) => [...word][0].toUpperCase()).join("");
  return h("span", { class: "avatar", "aria-hidden": "true", vars: { "--hue": HUES[user.id % HUES.length] } }, initials);
}

export function languageButton(user) {
  const button = h("button", { type: "button", class: "language" });
  button.addEventListener("click", () => {
    api.language(button.user.id, otherLanguage(button.user)).catch(toastError);
  });
  updateLanguage(button, user);
  return button;
}

const otherLanguage = (user) => (user.language === "ru" ? "en" : "ru");

export function updateLanguage(button, user) {
  button.user = user;
  setText(button, user.language.slice(0, 2).toUpperCase());
  const name = (code) => S.languageNames[code] ?? code;
  const label = S.languageSwitch(user.name, name(user.language), name(otherLanguage(user)));
  button.setAttribute("aria-label", label);
  button.title = label;
}

export function createPeople(store) {
  const list = h("ul", { class: "people-list" });
  const empty = h("p", { class: "people-empty" }, S.noPeople);
  const add = h("button", { type: "button", class: "add-person", onclick: () => addPerson(store) },
    h("span", { class: "add-plus" }, icon("plus")), h("span", {}, S.addPerson));
  const rows = new Map();

  function render() {
    for (const user of store.users) {
      if (!rows.has(user.id)) rows.set(user.id, createRow(store, user));
      rows.get(user.id).update(user);
    }
    arrange(list, store.users.map((user) => rows.get(user.id).node));
    empty.hidden = !store.loaded || store.users.length > 0;
  }

  roving(list, () => [...list.querySelectorAll(".person-main")]);
  for (const kind of ["reset", "users", "active", "message", "delete"]) store.on(kind, render);
  store.on("active", () => rows.get(store.active)?.node.scrollIntoView({ block: "nearest", inline: "nearest" }));
  return h("nav", { class: "people", "aria-label": S.people },
    h("div", { class: "people-head" }, h("h2", {}, S.people)), list, empty, add);
}

function createRow(store, user) {
  const name = h("span", { class: "person-name" });
  const preview = h("span", { class: "person-preview", dir: "auto" });
  const time = h("span", { class: "person-time" });
  const badge = h("span", { class: "badge" });
  const blocked = h("span", { class: "person-blocked", role: "img", "aria-label": S.blockedMark, title: S.blockedMark }, icon("block"));
  const main = h("button", { type: "button", class: "person-main", onclick: () => store.activate(user.id) },
    h("span", { class: "avatar-box" }, avatar(user), blocked), name, time, h("span", { class: "person-last" }, preview, badge));
  const language = languageButton(user);
  const node = h("li", { class: "person" }, main, language);

  function update(now) {
    const last = store.messages(now.id).at(-1);
    const unread = store.unread.get(now.id) ?? 0;
    const active = store.active === now.id;
    setText(name, now.name);
    setText(preview, last ? quote(last).replace(/\s+/g, " ") : S.noMessages);
    setText(time, last ? clockTime(last.date) : "");
    setText(badge, unread > 99 ? "99+" : String(unread));
    badge.hidden = !unread;
    // The name alone: what the last message says is for the eye, and would be read out at each move.
    main.setAttribute("aria-label", [now.name, now.blocked && S.blockedMark, unread && S.unread(unread)].filter(Boolean).join(", "));
    blocked.hidden = !now.blocked;
    node.classList.toggle("active", active);
    main.setAttribute("aria-current", String(active));
    main.tabIndex = active ? 0 : -1;
    updateLanguage(language, now);
    language.tabIndex = active ? 0 : -1;
  }

  return { node, update };
}

async function addPerson(store) {
  const name = h("input", { name: "name", required: true, maxlength: 64, autocomplete: "off", placeholder: S.addNamePlaceholder, autofocus: true });
  const language = h("select", { name: "language" }, Object.entries(S.languageNames).map(([code, label]) => h("option", { value: code }, label)));
  const answer = await dialog({
    title: S.addTitle,
    text: S.addText,
    body: [h("label", { class: "field" }, h("span", {}, S.addName), name), h("label", { class: "field" }, h("span", {}, S.addLanguage), language)],
    actions: [{ label: S.cancel, value: "" }, { label: S.add, value: "add", primary: true }],
  });
  if (answer !== "add") return;
  try {
    const { id } = await api.addUser(name.value.trim(), language.value);
    await store.reload();
    store.activate(id);
    document.querySelector(".button-start").focus();
  } catch (error) {
    toastError(error);
  }
}
