// The message field, the command menu and its completion.

import { api } from "./api.js";
import { h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { S } from "./strings.js";
import { toastError } from "./toast.js";

const TALLEST_PX = 160;

export class Composer {
  #drafts = new Map();
  #owner = null;
  #chosen = -1;

  constructor(store) {
    this.store = store;
    this.#build();
    for (const kind of ["reset", "active", "users"]) store.on(kind, () => this.#show());
    store.on("commands", () => this.#suggest());
  }

  #build() {
    this.field = h("textarea", {
      id: "composer", class: "composer-field", rows: 1, maxlength: 4096, autocomplete: "off", enterkeyhint: "send", "aria-label": S.composer,
      "aria-autocomplete": "list", "aria-controls": "commands", dir: "auto",
      oninput: () => this.#changed(), onkeydown: (event) => this.#key(event), onblur: () => setTimeout(() => this.#closeUnlessInside(), 120),
    });
    this.menuButton = h("button", { type: "button", class: "icon-button command-button", "aria-label": S.commandMenu, title: S.commandMenu, "aria-expanded": "false", "aria-controls": "commands", onclick: () => this.#toggleMenu() }, "/");
    this.sendButton = h("button", { type: "submit", class: "icon-button send-button", "aria-label": S.send, title: S.send }, icon("send"));
    this.menu = h("ul", { id: "commands", class: "commands", role: "listbox", "aria-label": S.commandList, hidden: true });
    this.form = h("form", { class: "composer-row", onsubmit: (event) => this.#submit(event) }, this.menuButton, this.field, this.sendButton);
    this.blockedText = h("span");
    this.blocked = h("div", { class: "blocked-bar", hidden: true }, this.blockedText,
      h("button", { type: "button", class: "button", onclick: () => api.block(this.store.active, false).catch(toastError) }, S.unblock));
    this.node = h("div", { class: "composer" }, this.menu, this.form, this.blocked);
    document.addEventListener("keydown", (event) => event.key === "Escape" && this.#close());
  }

  #show() {
    const { user, bot, active } = this.store;
    if (this.#owner !== active) {
      this.#drafts.set(this.#owner, this.field.value);
      this.#owner = active;
      this.field.value = this.#drafts.get(active) ?? "";
      this.#close();
    }
    this.form.hidden = !user || user.blocked;
    this.blocked.hidden = !user?.blocked;
    if (user) setText(this.blockedText, S.blockedBar(user.name));
    this.field.placeholder = S.composerPlaceholder(bot.name);
    this.#grow();
  }

  // Say it as the chosen person; the message itself comes back as an event.
  async send(text) {
    try {
      await api.say(this.store.active, text);
      return true;
    } catch (error) {
      toastError(error);
      return false;
    }
  }

  async #submit(event) {
    event.preventDefault();
    const text = this.field.value.trim();
    if (!text) return;
    this.field.value = "";
    this.#changed();
    if (!(await this.send(text)) && !this.field.value) {
      this.field.value = text;
      this.#changed();
    }
  }

  #changed() {
    this.#grow();
    this.#suggest();
  }

  #grow() {
    this.form.classList.toggle("has-text", this.field.value.trim() !== "");
    this.field.style.height = "auto";
    this.field.style.height = `${Math.min(this.field.scrollHeight, TALLEST_PX)}px`;
  }

  #key(event) {
    const open = !this.menu.hidden && this.menu.querySelector("[role=option]");
    if (event.isComposing) return;
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) this.#move(event, event.key === "ArrowDown" ? 1 : -1);
    else if (open && event.key === "Tab" && !event.shiftKey) this.#complete(event);
    else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      if (open && this.#chosen >= 0) this.#options()[this.#chosen].click();
      else this.form.requestSubmit();
    }
  }

  #options() {
    return [...this.menu.querySelectorAll("[role=option]")];
  }

  #move(event, step) {
    event.preventDefault();
    const options = this.#options();
    this.#choose((this.#chosen + step + options.length) % options.length);
  }

  #choose(at) {
    this.#chosen = at;
    for (const [i, option] of this.#options().entries()) {
      option.setAttribute("aria-selected", String(i === at));
      if (i === at) {
        option.scrollIntoView({ block: "nearest" });
        this.field.setAttribute("aria-activedescendant", option.id);
      }
    }
    if (at < 0) this.field.removeAttribute("aria-activedescendant");
  }

  #complete(event) {
    event.preventDefault();
    this.field.value = `/${this.#options()[Math.max(this.#chosen, 0)].dataset.command} `;
    this.#changed();
  }

  #suggest() {
    const typed = /^\/(\w*)$/.exec(this.field.value);
    if (!typed) return this.#close();
    const fitting = this.#commands().filter(({ command }) => command.startsWith(typed[1].toLowerCase()));
    if (!fitting.length) return this.#close();
    this.#open(fitting);
    // Only "/" typed: Enter would otherwise send the first command by surprise.
    this.#choose(typed[1] ? 0 : -1);
  }

  #commands() {
    return this.store.commands.get(this.store.active) ?? [];
  }

  #open(commands) {
    this.menu.replaceChildren(...(commands.length ? commands.map((entry, i) => this.#option(entry, i)) : [h("li", { class: "commands-none" }, S.noCommands)]));
    this.menu.hidden = false;
    this.#expanded(true);
  }

  #option({ command, description }, i) {
    return h("li", {
      role: "option", id: `command-${i}`, class: "command-option", "aria-selected": "false", data: { command },
      onpointerdown: (event) => event.preventDefault(), onclick: () => this.#pick(command),
    }, h("b", {}, `/${command}`), h("span", { dir: "auto" }, description));
  }

  #pick(command) {
    this.field.value = "";
    this.#close();
    this.#changed();
    this.field.focus();
    this.send(`/${command}`);
  }

  #toggleMenu() {
    if (!this.menu.hidden) return this.#close();
    this.#open(this.#commands());
    this.#choose(this.#commands().length ? 0 : -1);
    this.field.focus();
  }

  #closeUnlessInside() {
    if (!this.node.contains(document.activeElement)) this.#close();
  }

  #close() {
    this.menu.hidden = true;
    this.#chosen = -1;
    this.field.removeAttribute("aria-activedescendant");
    this.#expanded(false);
  }

  #expanded(open) {
    this.menuButton.setAttribute("aria-expanded", String(open));
  }
}
