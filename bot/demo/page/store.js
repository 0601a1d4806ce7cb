// What the page knows, fed by /demo/state and the event stream; views listen for what changed.

import { api } from "./api.js";

const REMEMBERED_USER = "codepigeon.user";

export class Store extends EventTarget {
  bot = { name: "", username: "" };
  users = [];
  chats = new Map(); // user id -> messages, by message_id
  commands = new Map();
  phones = [];
  mode = "normal";
  active = null;
  unread = new Map();
  loaded = false;
  #early = []; // events that came before the state they belong to
  #loading = false;
  #again = false;
  #phonesAsked = 0;

  on(kind, listener) {
    this.addEventListener(kind, (event) => listener(event.detail));
  }

  #emit(kind, detail) {
    this.dispatchEvent(new CustomEvent(kind, { detail }));
  }

  get user() {
    return this.users.find((user) => user.id === this.active) ?? null;
  }

  messages(userId = this.active) {
    return this.chats.get(userId) ?? [];
  }

  // Load everything. Events that arrive meanwhile are kept and applied after: they are at most repeats.
  async reload() {
    if (this.#loading) {
      this.#again = true;
      return;
    }
    this.#loading = true;
    try {
      do {
        this.#again = false;
        this.#adopt(await api.state());
      } while (this.#again);
    } finally {
      this.#loading = false;
      const early = this.#early.splice(0);
      if (this.loaded) early.forEach((event) => this.#apply(event));
    }
  }

  #adopt(state) {
    this.bot = state.bot;
    this.users = state.users;
    this.phones = state.phones;
    this.mode = state.provider.mode;
    this.commands = new Map(Object.entries(state.commands).map(([id, list]) => [Number(id), list]));
    const before = this.chats;
    this.chats = new Map(Object.entries(state.chats).map(([id, list]) => [Number(id), list]));
    if (this.loaded) this.#countMissed(before);
    if (!this.user) this.active = this.#firstChoice();
    this.loaded = true;
    this.#emit("reset");
  }

  #countMissed(before) {
    for (const [id, messages] of this.chats) {
      const last = before.get(id)?.at(-1)?.message_id ?? 0;
      const missed = messages.filter((message) => message.message_id > last && !isOwn(message, id)).length;
      if (missed && id !== this.active) this.unread.set(id, (this.unread.get(id) ?? 0) + missed);
    }
  }

  #firstChoice() {
    const remembered = Number(localStorage.getItem(REMEMBERED_USER));
    return (this.users.find((user) => user.id === remembered) ?? this.users[0])?.id ?? null;
  }

  activate(userId) {
    if (this.active === userId) return;
    this.active = userId;
    this.unread.delete(userId);
    localStorage.setItem(REMEMBERED_USER, String(userId));
    this.#emit("active");
  }

  receive(event) {
    if (event.type === "resync") this.reload().catch(() => {});
    else if (this.#loading || !this.loaded) this.#early.push(event);
    else this.#apply(event);
  }

  #apply(event) {
    switch (event.type) {
      case "message":
      case "edit":
        return this.#put(event);
      case "delete":
        return this.#remove(event);
      case "callback_answer":
        return this.#emit("answer", event);
      case "payment":
        return this.#emit("payment", event);
      case "chat_action":
        return this.#emit("action", event);
      case "user":
        return this.#putUser(event.user);
      case "commands":
        return this.#refreshCommands();
      case "phones":
        return this.#refreshPhones();
      case "provider":
        this.mode = event.mode;
        return this.#emit("provider");
    }
  }

  #put({ chat_id: chatId, message }) {
    if (!this.users.some((user) => user.id === chatId)) return;
    const list = this.chats.get(chatId) ?? [];
    this.chats.set(chatId, list);
    const at = list.findIndex((known) => known.message_id >= message.message_id);
    const known = at >= 0 && list[at].message_id === message.message_id;
    if (known) list[at] = message;
    else if (at >= 0) list.splice(at, 0, message);
    else list.push(message);
    if (!known && chatId !== this.active && !isOwn(message, chatId)) {
      this.unread.set(chatId, (this.unread.get(chatId) ?? 0) + 1);
    }
    this.#emit("message", { chatId, message, isNew: !known });
  }

  #remove({ chat_id: chatId, message_id: messageId }) {
    const list = this.chats.get(chatId);
    if (!list) return;
    this.chats.set(chatId, list.filter((message) => message.message_id !== messageId));
    this.#emit("delete", { chatId, messageId });
  }

  #putUser(user) {
    const at = this.users.findIndex((known) => known.id === user.id);
    if (at >= 0) this.users[at] = user;
    else this.users.push(user);
    if (!this.chats.has(user.id)) this.chats.set(user.id, []);
    if (this.active === null) this.activate(user.id);
    this.#emit("users");
    this.#refreshCommands();
  }

  async #refreshCommands() {
    const state = await api.state().catch(() => null);
    if (!state) return;
    this.commands = new Map(Object.entries(state.commands).map(([id, list]) => [Number(id), list]));
    this.#emit("commands");
  }

  async #refreshPhones() {
    const asked = ++this.#phonesAsked;
    const phones = await api.phones().catch(() => null);
    if (!phones || asked !== this.#phonesAsked) return;
    this.phones = phones;
    this.#emit("phones");
  }
}

export function isOwn(message, userId) {
  return message.from?.id === userId && !message.from?.is_bot;
}

export const isOpen = (phone) => phone.state === "waiting" || phone.state === "received";
