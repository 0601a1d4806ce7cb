// The conversation of the chosen person with the bot.

import { api } from "./api.js";
import { arrange, h, setText } from "./dom.js";
import { icon, mark } from "./icons.js";
import { invitation } from "./invitation.js";
import { setPending } from "./keyboard.js";
import { quote, renderMessage } from "./message.js";
import { languageButton, updateLanguage } from "./people.js";
import { Follower } from "./scroll.js";
import { isOwn } from "./store.js";
import { S } from "./strings.js";
import { dayKey, dayName } from "./time.js";
import { alertDialog, toast, toastError } from "./toast.js";

const GROUPED_S = 300;
const TYPING_MS = 5500;
const ANSWER_MS = 15_000;

export function createChat(store, composer) {
  return new Chat(store, composer).node;
}

class Chat {
  #shown = new Map(); // message id -> { message, node }
  #days = new Map(); // day -> separator
  #pending = new Map(); // "message id, button" -> query id, or null while it is being asked for
  #answered = new Set(); // query ids whose answer came before we knew their id
  #missed = 0;
  #owner = null;
  #typingTimer;

  constructor(store, composer) {
    this.store = store;
    this.composer = composer;
    this.#build();
    this.follower = new Follower(this.view, this.log, (pinned) => this.#pinned(pinned));
    for (const kind of ["reset", "active", "users"]) store.on(kind, () => this.#renderAll());
    store.on("message", (change) => this.#changed(change));
    store.on("delete", ({ chatId }) => chatId === store.active && this.#render());
    store.on("answer", (event) => this.#answer(event));
    store.on("payment", (event) => event.user_id === store.active && event.error && toast(event.error, "error"));
    store.on("action", (event) => this.#action(event));
  }

  #build() {
    this.title = h("h2", { class: "chat-title" });
    this.subtitle = h("p", { class: "chat-subtitle" });
    this.language = languageButton({ id: 0, name: "", language: "en" });
    this.log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-relevant": "additions" });
    this.empty = this.#emptyState();
    this.typing = h("div", { class: "typing", hidden: true }, h("i"), h("i"), h("i"));
    this.view = h("div", { class: "log-view", tabindex: "0" }, this.empty, this.log, this.typing);
    this.pillText = h("span");
    this.pill = h("button", { type: "button", class: "pill", hidden: true, onclick: () => this.follower.toEnd() }, this.pillText, icon("down"));
    this.node = h("section", { class: "chat", id: "chat", "aria-labelledby": "chat-title" },
      h("header", { class: "chat-head" }, mark(), h("div", { class: "chat-names" }, this.title, this.subtitle), this.language),
      h("div", { class: "log-box" }, this.view, this.pill),
      this.composer.node);
    this.title.id = "chat-title";
  }

  #emptyState() {
    this.emptyTitle = h("h3");
    this.start = h("button", { type: "button", class: "button button-primary button-start", onclick: () => this.composer.send("/start") }, S.start);
    return h("div", { class: "chat-empty", hidden: true }, mark(), this.emptyTitle, h("p", {}, S.emptyText), this.start, h("p", { class: "hint" }, S.emptyHint));
  }

  get #context() {
    return {
      userId: this.store.active,
      language: this.store.user?.language ?? "en",
      botName: this.store.bot.name,
      sendCommand: (text) => this.composer.send(text),
      ownLink: (url) => invitation(this.store, url),
      current: (id) => this.store.messages().find((message) => message.message_id === id),
      pressed: (button, message) => this.#press(button, message),
      isPending: (message, button) => this.#pending.has(pendingKey(message, button)),
    };
  }

  #renderAll() {
    const { bot, user } = this.store;
    setText(this.title, bot.name);
    this.view.setAttribute("aria-label", S.messages(bot.name));
    this.#subtitle();
    this.language.hidden = !user;
    if (user) updateLanguage(this.language, user);
    setText(this.emptyTitle, S.emptyTitle(bot.name));
    this.start.hidden = Boolean(user?.blocked);
    const switched = this.#owner !== this.store.active;
    if (switched) this.#forget();
    // Another chat's history is no news: a screen reader is not told of it.
    this.log.setAttribute("aria-live", switched ? "off" : "polite");
    this.#render();
    if (switched) {
      this.follower.toEnd({ smooth: false });
      requestAnimationFrame(() => this.log.setAttribute("aria-live", "polite"));
    }
  }

  #subtitle(action) {
    const { bot } = this.store;
    setText(this.subtitle, action ? `${action}…` : bot.username ? `@${bot.username} · ${S.bot}` : S.loading);
    this.subtitle.classList.toggle("acting", Boolean(action));
  }

  #forget() {
    this.#owner = this.store.active;
    this.#shown.clear();
    this.#days.clear();
    this.#pending.clear();
    this.#stopTyping();
    this.#setMissed(0);
    this.log.replaceChildren();
  }

  #render() {
    const messages = this.store.messages();
    const nodes = [];
    let previous = null;
    for (const [i, message] of messages.entries()) {
      if (!previous || dayKey(previous.date) !== dayKey(message.date)) nodes.push(this.#day(message.date));
      const node = this.#messageNode(message);
      node.classList.toggle("first", !sameGroup(previous, message));
      node.classList.toggle("last", !sameGroup(message, messages[i + 1]));
      nodes.push(node);
      previous = message;
    }
    for (const [id, { node }] of this.#shown) if (!nodes.includes(node)) this.#shown.delete(id);
    arrange(this.log, nodes);
    this.empty.hidden = messages.length > 0 || !this.store.user;
    this.view.classList.toggle("is-empty", messages.length === 0);
  }

  #messageNode(message) {
    const known = this.#shown.get(message.message_id);
    const language = this.store.user?.language;
    if (known?.message === message && known.language === language) return known.node;
    const node = renderMessage(message, this.#context);
    if (known) replaceMessage(known.node, node);
    this.#shown.set(message.message_id, { message, node, language });
    return node;
  }

  #day(unix) {
    const key = dayKey(unix);
    if (!this.#days.has(key)) this.#days.set(key, h("div", { class: "day" }, h("span")));
    const node = this.#days.get(key);
    setText(node.firstChild, dayName(unix, S));
    return node;
  }

  #changed({ chatId, message, isNew }) {
    if (chatId !== this.store.active) return;
    const own = isOwn(message, chatId);
    if (isNew && !own) this.#stopTyping();
    this.#render();
    if (!isNew) {
      for (const node of this.log.querySelectorAll(`[data-quotes="${message.message_id}"]`)) setText(node, quote(message));
      return;
    }
    const node = this.#shown.get(message.message_id).node;
    node.classList.add("arriving");
    if (own || this.follower.pinned) this.follower.toEnd();
    else this.#setMissed(this.#missed + 1);
  }

  #pinned(pinned) {
    if (pinned) this.#setMissed(0);
    else this.#showPill();
  }

  #setMissed(count) {
    this.#missed = count;
    this.#showPill();
  }

  #showPill() {
    this.pill.hidden = this.follower?.pinned ?? true;
    setText(this.pillText, this.#missed ? S.newMessages(this.#missed) : "");
    this.pill.setAttribute("aria-label", this.#missed ? S.newMessages(this.#missed) : S.toLatest);
    this.pill.classList.toggle("has-news", this.#missed > 0);
  }

  async #press(button, message) {
    const user = this.store.active;
    const key = pendingKey(message, button);
    this.#setPending(key, message.message_id, true);
    try {
      const { query_id: query } = await this.#ask(button, message, user);
      if (this.#answered.delete(query)) this.#setPending(key, message.message_id, false);
      else if (this.#pending.has(key)) this.#awaitAnswer(key, message.message_id, query);
    } catch (error) {
      this.#setPending(key, message.message_id, false);
      toastError(error);
    }
  }

  #ask(button, message, user) {
    if (button.pay) return api.pay(user, message.message_id).then(() => ({ query_id: null }));
    return api.press(user, message.message_id, button.callback_data);
  }

  #awaitAnswer(key, messageId, query) {
    if (query === null) {
      this.#setPending(key, messageId, false);
      return;
    }
    this.#pending.set(key, query);
    // Telegram's clients give up waiting, too.
    setTimeout(() => this.#pending.get(key) === query && this.#setPending(key, messageId, false), ANSWER_MS);
  }

  #setPending(key, messageId, pending) {
    if (pending) this.#pending.set(key, null);
    else this.#pending.delete(key);
    const shown = this.#shown.get(messageId);
    if (!shown) return;
    for (const node of shown.node.querySelectorAll(".key")) {
      setPending(node, [...this.#pending.keys()].includes(`${messageId}\n${node.dataset.data ?? "pay"}`));
    }
  }

  #answer(event) {
    if (event.user_id !== this.store.active) return;
    const found = [...this.#pending].find(([, query]) => query === event.query_id);
    if (found) this.#setPending(found[0], Number(found[0].split("\n", 1)[0]), false);
    else this.#answered.add(event.query_id);
    if (!event.text) return;
    if (event.show_alert) alertDialog(event.text);
    else toast(event.text);
  }

  #action(event) {
    if (event.chat_id !== this.store.active) return;
    this.#subtitle(S.actions[event.action] ?? S.typing);
    this.typing.hidden = false;
    if (this.follower.pinned) this.follower.toEnd();
    clearTimeout(this.#typingTimer);
    this.#typingTimer = setTimeout(() => this.#stopTyping(), TYPING_MS);
  }

  #stopTyping() {
    clearTimeout(this.#typingTimer);
    this.typing.hidden = true;
    this.#subtitle();
  }
}

const pendingKey = (message, button) => `${message.message_id}\n${button.callback_data ?? "pay"}`;

function sameGroup(a, b) {
  return Boolean(a && b) && a.from?.id === b.from?.id && b.date - a.date < GROUPED_S && dayKey(a.date) === dayKey(b.date);
}

// Put an edited message in place of the old one; the keyboard's focus stays on the button at the same place.
function replaceMessage(old, node) {
  const keys = [...old.querySelectorAll(".key")];
  const at = keys.indexOf(document.activeElement);
  old.replaceWith(node);
  node.classList.add("edited-now");
  if (at < 0) return;
  const now = [...node.querySelectorAll(".key")];
  (now[Math.min(at, now.length - 1)] ?? node.querySelector(".bubble")).focus({ preventScroll: true });
}
