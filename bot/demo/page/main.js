// Puts the page together.

import { createChat } from "./chat.js";
import { Composer } from "./composer.js";
import { h, setText } from "./dom.js";
import { icon, mark } from "./icons.js";
import { createPeople } from "./people.js";
import { createPhones } from "./phones.js";
import { Store, isOpen, isOwn } from "./store.js";
import { connect } from "./stream.js";
import { S } from "./strings.js";
import { themeToggle } from "./theme.js";
import { installToasts, toastError } from "./toast.js";

const store = new Store();
const link = h("span", { class: "link", role: "status" }, h("i", { "aria-hidden": "true" }), h("span"));
const composer = new Composer(store);
const desk = h("main", { class: "desk", data: { view: "chat" } },
  createPeople(store), createChat(store, composer), createPhones(store, () => show("chat")));
const tabs = { chat: tab("chat", S.tabChat, "chat"), phones: tab("phones", S.tabPhones, "phone") };

document.body.append(
  h("a", { class: "skip", href: "#composer", onclick: skip }, S.skip),
  h("header", { class: "top" },
    h("div", { class: "brand" }, mark(), h("h1", {}, h("b", {}, S.brand), " ", h("span", {}, S.brandTag))),
    h("p", { class: "note" }, S.note), link, themeToggle()),
  desk,
  h("nav", { class: "tabs", "aria-label": S.tabs }, tabs.chat.node, tabs.phones.node));
installToasts(document.body);

function skip(event) {
  event.preventDefault();
  show("chat");
  composer.field.focus();
}

function tab(view, label, symbol) {
  const badge = h("span", { class: "badge", hidden: true });
  const node = h("button", { type: "button", class: "tab", onclick: () => show(view) }, icon(symbol), h("span", {}, label), badge);
  return { node, badge };
}

function setBadge({ badge }, count) {
  badge.hidden = !count;
  setText(badge, count > 99 ? "99+" : String(count));
}

let missedHere = 0; // messages to the chosen person while the phones cover the chat
const chatHidden = () => getComputedStyle(document.getElementById("chat")).display === "none";

function show(view) {
  desk.dataset.view = view;
  if (view === "chat") missedHere = 0;
  for (const [name, { node }] of Object.entries(tabs)) node.setAttribute("aria-current", name === view ? "page" : "false");
  badges();
}

function badges() {
  const elsewhere = [...store.unread.values()].reduce((sum, n) => sum + n, 0);
  setBadge(tabs.chat, elsewhere + missedHere);
  setBadge(tabs.phones, store.phones.filter(isOpen).length);
  document.title = elsewhere ? `(${elsewhere}) ${S.brand} ${S.brandTag}` : `${S.brand} ${S.brandTag}`;
}

store.on("message", ({ chatId, message, isNew }) => {
  if (isNew && chatId === store.active && !isOwn(message, chatId) && chatHidden()) missedHere += 1;
  badges();
});
for (const kind of ["reset", "active", "phones"]) store.on(kind, badges);

function showLink(state) {
  link.dataset.state = state;
  link.title = S.linkTitle[state];
  setText(link.lastChild, S.link[state]);
}

show("chat");
connect({
  onOpen: () => store.reload().catch(toastError),
  onEvent: (event) => store.receive(event),
  onLink: showLink,
});
