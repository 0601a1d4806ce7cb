// The control API. A refusal becomes an Error whose message is the sentence to show.

import { S } from "./strings.js";

async function call(path, body) {
  const init = body === undefined ? {} : {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  let response;
  try {
    response = await fetch(`/demo${path}`, init);
  } catch {
    throw new Error(S.offline);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error ?? S.failed);
  return answer;
}

const phonePath = (phone) => `/phones/${encodeURIComponent(phone.replace(/^\+/, ""))}`;

export const api = {
  state: () => call("/state"),
  phones: () => call("/phones"),
  addUser: (name, language) => call("/users", { name, language }),
  say: (user, text) => call(`/users/${user}/messages`, { text }),
  press: (user, messageId, data) => call(`/users/${user}/press`, { message_id: messageId, data }),
  pay: (user, messageId) => call(`/users/${user}/pay`, { message_id: messageId }),
  block: (user, blocked) => call(`/users/${user}/${blocked ? "block" : "unblock"}`, {}),
  language: (user, language) => call(`/users/${user}/language`, { language }),
  typical: (phone) => call(`${phonePath(phone)}/typical`),
  sms: (phone, sender, text) => call(`${phonePath(phone)}/sms`, { sender, text }),
  provider: (mode) => call("/provider", { mode }),
};
