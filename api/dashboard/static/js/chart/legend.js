/** The legend of the chart. */

import { h, refill } from "../base/dom.js";

const KEYS = { planned: "planned", expected: "expected", transfer: "transfer", wait: "late start", idle: "idle", cross: "failed", yield: "gave way", kept: "kept free" };

/** Say what colours and marks mean. */
export function drawLegend(element, colours) {
  const swatches = colours.legend();
  refill(element, swatches, () => [
    swatches.map(([kind, words]) => h("span", { "data-key": `colour ${words}` }, h("i", { class: `swatch ${kind}` }), words)),
    Object.entries(KEYS).map(([kind, words]) => h("span", { "data-key": kind }, h("i", { class: `key ${kind}` }), words)),
    h("span", { class: "keys", "data-key": "keys" }, "a bar explains itself when pressed · drag or ", h("kbd", {}, "A"), h("kbd", {}, "D"), " pan · ",
      h("kbd", {}, "Ctrl"), "+wheel or ", h("kbd", {}, "W"), h("kbd", {}, "S"), " zoom · ", h("kbd", {}, "F"), " live"),
  ]);
}
