/**
 * The order of a list stands still while somebody reads it: what is new waits until the pointer
 * has left, so that a click hits the row that was aimed at. What is shown goes on changing in place.
 */

/** Fingers have no pointer that rests over a list: there the order changes when it is asked to. */
const fingers = matchMedia("(hover: none)");

export class Holding {
  /** Watch an element; `onRelease` is called when its order may change again. */
  constructor(element, onRelease) {
    this.element = element;
    this.inside = false;
    element.addEventListener("pointerenter", () => { this.inside = true; });
    element.addEventListener("pointerleave", () => {
      this.inside = false;
      onRelease();
    });
    element.addEventListener("focusout", () => onRelease());
  }

  get holds() {
    return fingers.matches || this.inside || this.element.querySelector(":focus-visible") !== null;
  }
}

/**
 * The order to show.
 *
 * @param {string[]} shown - Keys as they stand now.
 * @param {string[]} wanted - Keys as they would be put in order anew.
 * @param {boolean} holds - Whether the order stands still.
 * @returns {{order: string[], waiting: number}} `waiting` counts the keys that are not shown yet.
 */
export function ordered(shown, wanted, holds) {
  if (!holds || shown.length === 0) return { order: wanted, waiting: 0 };
  const there = new Set(shown);
  return { order: shown, waiting: wanted.filter((key) => !there.has(key)).length };
}
