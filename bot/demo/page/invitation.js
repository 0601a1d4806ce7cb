// A link that starts this bot is opened here, as one of the demo's people: Telegram itself knows nothing of them.

import { api } from "./api.js";
import { h } from "./dom.js";
import { S } from "./strings.js";
import { dialog, toastError } from "./toast.js";

// What a click on `url` does; null for a link that leads elsewhere.
export function invitation(store, url) {
  const token = tokenOf(url, store.bot.username);
  return token && ((event) => {
    event.preventDefault();
    openAs(store, token).catch(toastError);
  });
}

function tokenOf(url, username) {
  const [, name, token] = /^https:\/\/t\.me\/(\w+)\?start=([\w-]{1,64})$/.exec(url) ?? [];
  return name && name === username ? token : null;
}

async function openAs(store, token) {
  const person = h("select", { name: "person" }, store.users.map((user) => h("option", { value: user.id }, user.name)));
  person.value = String((store.users.find((user) => user.id !== store.active) ?? store.user).id);
  const answer = await dialog({
    title: S.openTitle,
    text: S.openAsText,
    body: [h("label", { class: "field" }, h("span", {}, S.openAs), person)],
    actions: [{ label: S.cancel, value: "" }, { label: S.open, value: "open", primary: true }],
  });
  if (answer !== "open") return;
  store.activate(Number(person.value));
  await api.say(store.active, `/start ${token}`);
}
