// A scrolled list that follows its end, but never takes the reader's place away.

import { reducedMotion } from "./dom.js";

const NEAR_PX = 64;

// `onPinned(pinned)` tells when the reader leaves or reaches the end.
export class Follower {
  pinned = true;
  #top = 0;

  constructor(view, content, onPinned) {
    this.view = view;
    this.onPinned = onPinned;
    view.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    // Edits, opened quotes, a growing composer: whatever changes a height keeps the end in view.
    const resized = new ResizeObserver(() => this.pinned && this.#jump(false));
    resized.observe(view);
    resized.observe(content);
  }

  #scrolled() {
    const { scrollTop, scrollHeight, clientHeight } = this.view;
    const upwards = scrollTop < this.#top - 1;
    this.#top = scrollTop;
    const near = scrollHeight - scrollTop - clientHeight < NEAR_PX;
    // A smooth scroll to the end passes through the middle: only a move upwards leaves the end.
    if (near) this.#set(true);
    else if (upwards) this.#set(false);
  }

  #set(pinned) {
    if (this.pinned === pinned) return;
    this.pinned = pinned;
    this.onPinned(pinned);
  }

  // Go to the end now; smoothly when it is near enough to follow with the eye.
  toEnd({ smooth = true } = {}) {
    this.#set(true);
    this.#jump(smooth);
  }

  #jump(smooth) {
    const distance = this.view.scrollHeight - this.view.scrollTop - this.view.clientHeight;
    const gentle = smooth && !reducedMotion() && distance < 2 * this.view.clientHeight;
    this.#top = Math.min(this.#top, this.view.scrollTop);
    this.view.scrollTo({ top: this.view.scrollHeight, behavior: gentle ? "smooth" : "instant" });
  }
}
