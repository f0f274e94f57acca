/** The elements that the chart is drawn into: a scale that stays, layers that move, names at the left. */

import { fill, h, s } from "../base/dom.js";
import { AXIS_HEIGHT } from "./axis.js";

const LAYERS = ["faces", "grid", "kept", "future", "bars", "marks", "markers", "gutter", "ticks", "flags"];

/** Fill a container. Returns its parts: `layers`, `moving`, `axis`, `body`, `scroller`, `teaching`. */
export function frame(container) {
  const layers = Object.fromEntries(LAYERS.map((name) => [name, s("g", { class: `layer-${name}` })]));
  const { faces, grid, kept, future, bars, marks, markers, gutter, ticks, flags } = layers;
  const moving = s("g", {}, kept, future, bars, marks);
  const axis = s("svg", { height: AXIS_HEIGHT, "aria-hidden": "true" }, ticks, flags);
  const body = s("svg", { role: "group", "aria-label": "Operations by machine over time" }, patterns(), faces, grid, moving, markers, gutter);
  const scroller = h("div", {
    class: "gantt",
    tabindex: 0,
    "data-testid": "gantt",
    "aria-label": "Chart of operations. Arrow keys move between bars, Enter explains one; A and D pan, W and S zoom, F follows.",
    role: "group",
  }, h("div", { class: "axis-box" }, axis), body);
  const teaching = h("div", {});
  fill(container, teaching, scroller);
  return { layers, moving, axis, body, scroller, teaching };
}

function patterns() {
  const hatch = { width: 5, height: 5, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" };
  return s("defs", {},
    s("pattern", { id: "hatch", ...hatch }, s("path", { d: "M0 0v5" })),
    s("pattern", { id: "hatch-kept", ...hatch, width: 8, height: 8 }, s("path", { d: "M0 0v8" })),
    s("pattern", { id: "hatch-bad", ...hatch, width: 7, height: 7 }, s("rect", { width: 7, height: 7 }), s("path", { d: "M0 0v7" })));
}
