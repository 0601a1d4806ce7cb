// Links out of the demo: asked about first where the text may hide the address, opened without a handle back to this page.

import { S } from "./strings.js";
import { dialog } from "./toast.js";

export const SAFE_URL = /^(https?|tg|mailto|tel):/i;

export async function openLink(event, url) {
  event?.preventDefault();
  const answer = await dialog({
    title: S.openTitle,
    text: url,
    actions: [{ label: S.cancel, value: "" }, { label: S.open, value: "open", primary: true }],
  });
  if (answer === "open") window.open(url, "_blank", "noopener,noreferrer");
}
