// Copying, with a fallback for browsers or contexts without the clipboard API.

import { h } from "./dom.js";
import { S } from "./strings.js";
import { toast } from "./toast.js";

const LONGEST_SHOWN = 40;

export async function copy(text) {
  const done = (await modern(text)) || legacy(text);
  const shown = text.length > LONGEST_SHOWN ? `${text.slice(0, LONGEST_SHOWN - 1)}…` : text;
  if (done) toast(S.copied(shown), "done");
  else toast(S.copyFailed, "error");
}

async function modern(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}

function legacy(text) {
  const focused = document.activeElement;
  const field = h("textarea", { class: "offscreen", readonly: true, "aria-hidden": "true", tabindex: "-1" });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  focused?.focus({ preventScroll: true });
  return done;
}
