/** Partitions of a model: a strip of pieces, each as wide as its share of the time. */

import { h } from "../base/dom.js";
import { bytes, duration, percent, small } from "../base/format.js";

/** One partition: its proof, and its pieces with their times and the bytes that each gives. */
export function strip({ id, pieces, whole_us, inputs_tried, is_bitwise, error, provider, share }) {
  const proof = `${is_bitwise ? "equal bit by bit" : `error ${small(error)}`} on ${inputs_tried} inputs`;
  const purpose = provider ? `${percent(share)} of the time runs on ${provider}; ` : "";
  const total = pieces.reduce((sum, piece) => sum + piece.run_us, 0);
  return h("figure", { class: "pieces", "data-testid": "pieces" },
    h("figcaption", {}, h("span", { class: "mono" }, id), h("span", { class: "note" }, ` ${purpose}${proof}; ${duration(total)} in a row, the whole ${duration(whole_us)}`)),
    h("ol", {}, pieces.map((piece, i) => part(piece, i + 1))));
}

function part({ model, run_us, crossing_bytes }, place) {
  const given = crossing_bytes > 0 ? `gives ${bytes(crossing_bytes)}` : "the last";
  const item = h("li", { title: `${model}: ${duration(run_us)}, ${given}` }, h("b", {}, `${place} · ${duration(run_us)}`), h("span", {}, given));
  // Not an attribute: the page's policy allows no styles in the markup.
  item.style.flexGrow = run_us;
  return item;
}
