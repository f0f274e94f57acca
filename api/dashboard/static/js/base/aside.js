/**
 * The panel at the side: it lies over the page and moves nothing, so that whoever opens one thing
 * after another keeps the place.
 */

import { h } from "./dom.js";

export class Aside {
  /** `onClose` is called when the reader closes it. */
  constructor(element, onClose) {
    this.element = element;
    this.opener = null;
    this.body = h("div", { class: "aside-body" });
    element.append(
      h("button", { type: "button", class: "close", "aria-label": "Close the details", "data-testid": "close-details", onclick: () => onClose() }, "✕"),
      this.body);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !element.hidden && !document.querySelector("dialog[open]")) onClose();
    });
  }

  /** Show or hide it. Whoever opens it by keyboard is taken there, and back to where it was opened from. */
  show(wanted, what = "") {
    if (wanted && this.what !== what) this.element.scrollTop = 0;
    this.what = what;
    if (wanted !== this.element.hidden) return;
    if (wanted) this.opener = document.activeElement;
    const byKey = wanted && this.opener.matches(":focus-visible");
    const inside = this.element.contains(document.activeElement);
    this.element.hidden = !wanted;
    document.documentElement.classList.toggle("aside-open", wanted);
    if (byKey) this.focus();
    if (!wanted && inside) this.opener?.focus({ preventScroll: true });
  }

  /** Take the keyboard there. */
  focus() {
    this.element.focus({ preventScroll: true });
  }
}
