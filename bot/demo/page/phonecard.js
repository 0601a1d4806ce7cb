// One phone: its number and time, typical SMS as chips, and a form for any other.

import { api } from "./api.js";
import { arrange, h, setText } from "./dom.js";
import { icon } from "./icons.js";
import { isOpen } from "./store.js";
import { S } from "./strings.js";
import { countdown, tick } from "./time.js";
import { toast, toastError } from "./toast.js";

const URGENT_MS = 120_000;
const countries = new Intl.DisplayNames(["en"], { type: "region", fallback: "code" });

export function createCard(phone, { isNew, copy }) {
  return new Card(phone, isNew, copy);
}

class Card {
  #chipsAsked = false;

  constructor(phone, isNew, copy) {
    this.phone = phone;
    this.#build(copy);
    this.node.classList.toggle("arriving", isNew);
    this.update(phone);
    tick(this.time, () => this.#showTime());
  }

  #build(copy) {
    const { phone } = this;
    const shown = phone.formatted;
    this.number = h("button", { type: "button", class: "card-number", "aria-label": S.copyNumber(shown), title: S.copyNumber(shown), onclick: () => copy(phone.phone) }, shown, icon("copy"));
    this.service = h("span", { class: "card-service" }, phone.service_name);
    this.time = h("span", { class: "card-time", role: "timer", "aria-label": S.timeLeft });
    this.state = h("span", { class: "state" });
    this.sms = h("span", { class: "card-sms" });
    this.chips = h("div", { class: "chips" });
    this.node = h("article", { class: "card", "aria-label": `${shown}, ${phone.service_name}`, data: { phone: phone.phone } },
      h("header", { class: "card-head" },
        h("span", { class: "flag", role: "img", "aria-label": countryName(phone.country), title: countryName(phone.country) }, flag(phone.country)),
        h("div", { class: "card-names" }, this.number, h("p", { class: "card-sub" }, phone.kind === "rental" && h("span", {}, S.kinds.rental), this.service, h("span", {}, countryName(phone.country)))),
        this.time),
      h("p", { class: "card-status" }, this.state, this.sms, h("span", { class: "card-hint" }, S.typical)),
      this.chips, this.#desk());
  }

  #desk() {
    return h("details", { class: "card-desk" }, h("summary", {}, S.otherSms, icon("chevron")), this.#form());
  }

  #form() {
    this.sender = h("input", { name: "sender", required: true, maxlength: 32, autocomplete: "off", value: this.phone.service_name.slice(0, 11) });
    this.text = h("textarea", { name: "text", required: true, maxlength: 1530, rows: 2, placeholder: S.smsPlaceholder, dir: "auto" });
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      form.requestSubmit();
    });
    const form = h("form", { class: "sms-form", "aria-label": S.smsForm(this.phone.formatted), onsubmit: (event) => this.#submit(event) },
      h("label", { class: "field" }, h("span", {}, S.sender), this.sender),
      h("label", { class: "field" }, h("span", {}, S.smsText), this.text),
      h("button", { type: "submit", class: "button button-primary" }, S.sendSms));
    return form;
  }

  update(phone) {
    this.phone = phone;
    const open = isOpen(phone);
    this.node.classList.toggle("closed", !open);
    this.node.dataset.state = phone.state;
    setText(this.state, S.phoneStates[phone.state] ?? phone.state);
    setText(this.sms, phone.sms_count ? S.smsCount(phone.sms_count) : "");
    this.sms.hidden = !phone.sms_count;
    this.#showTime();
    if (!this.#chipsAsked) this.#loadChips();
  }

  #showTime() {
    const { phone } = this;
    this.time.hidden = !isOpen(phone);
    const left = phone.expires_at - Date.now();
    setText(this.time, countdown(left) || S.timeUp);
    this.time.classList.toggle("urgent", left < URGENT_MS);
  }

  async #loadChips() {
    this.#chipsAsked = true;
    const found = await api.typical(this.phone.phone).catch(() => null);
    if (!found) return;
    // The chips stay the same buttons, so that the focus survives new codes.
    const chips = found.map((sms, i) => this.chips.children[i] ?? this.#chip());
    chips.forEach((chip, i) => dress(chip, found[i]));
    arrange(this.chips, chips);
  }

  #chip() {
    const chip = h("button", { type: "button", class: "chip" }, h("span", { class: "chip-words", dir: "auto" }, h("b", { class: "chip-sender" }), h("span")), icon("send"));
    chip.addEventListener("click", async () => {
      if (chip.getAttribute("aria-busy") === "true") return;
      chip.setAttribute("aria-busy", "true");
      const { sender, text } = chip.sms;
      if (await this.#send(sender, text)) await this.#loadChips();
      chip.removeAttribute("aria-busy");
    });
    return chip;
  }

  async #submit(event) {
    event.preventDefault();
    const text = this.text.value.trim();
    if (text && (await this.#send(this.sender.value.trim(), text))) this.text.value = "";
  }

  async #send(sender, text) {
    try {
      await api.sms(this.phone.phone, sender, text);
      toast(S.smsSent(this.phone.formatted), "done");
      return true;
    } catch (error) {
      toastError(error);
      return false;
    }
  }
}

function dress(chip, sms) {
  chip.sms = sms;
  const [sender, text] = chip.firstChild.children;
  setText(sender, sms.sender);
  setText(text, sms.text.replace(/\s+/g, " "));
  chip.title = sms.text;
}

const countryName = (code) => {
  try {
    return countries.of(code);
  } catch {
    return code;
  }
};

// Regional indicator letters make the flag.
function flag(code) {
  if (!/^[A-Z]{2}$/.test(code)) return "🏳️";
  return String.fromCodePoint(...[...code].map((letter) => 0x1f1e6 + letter.charCodeAt(0) - 65));
}
