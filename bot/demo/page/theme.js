// The theme: the system's until the person chooses.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { S } from "./strings.js";

const KEY = "codepigeon.theme";
const system = matchMedia("(prefers-color-scheme: dark)");
const root = document.documentElement;

const current = () => root.dataset.theme ?? (system.matches ? "dark" : "light");

export function themeToggle() {
  const button = h("button", { type: "button", class: "icon-button theme-toggle" });
  const show = () => {
    const next = current() === "dark" ? "light" : "dark";
    button.replaceChildren(icon(next === "dark" ? "moon" : "sun"));
    button.setAttribute("aria-label", next === "dark" ? S.themeToDark : S.themeToLight);
    button.title = button.getAttribute("aria-label");
  };
  button.addEventListener("click", () => {
    const next = current() === "dark" ? "light" : "dark";
    root.dataset.theme = next;
    try {
      localStorage.setItem(KEY, next);
    } catch {
      // Without storage the choice lasts as long as the page.
    }
    show();
  });
  system.addEventListener("change", show);
  show();
  return button;
}
