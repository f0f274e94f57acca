/** The scale above the chart, and the lines through it: now, plan, bound, deadlines. */

import { s } from "../base/dom.js";
import { clock, duration } from "../base/format.js";
import { deadlineState } from "../base/promise.js";

export const AXIS_HEIGHT = 40;
const TICK_Y = 14;
const FLAG_Y = 32;
const LEAST_TICK_PX = 74;

/** Steps of minutes and hours, in microseconds: a power of ten of them is not round. */
const LONG_STEPS_US = [60, 120, 300, 600, 1200, 1800, 3600].map((seconds) => 1e6 * seconds);

/** A round step that keeps labels apart: 1, 2 or 5 times a power of ten, or whole minutes. */
export function step(span_us, width) {
  const least_us = (span_us * LEAST_TICK_PX) / Math.max(1, width);
  if (least_us > 50e6) return LONG_STEPS_US.find((candidate) => candidate >= least_us) ?? LONG_STEPS_US.at(-1);
  const power = 10 ** Math.floor(Math.log10(least_us));
  return [1, 2, 5, 10].map((factor) => factor * power).find((candidate) => candidate >= least_us);
}

/** Draw the scale: times of day, or from the present as 0. */
export function drawAxis(axis, grid, scene) {
  const { viewport, width, left, height, x, now_us } = scene;
  const step_us = step(viewport.span_us, width - left);
  const base_us = scene.clock ? zone(now_us) : now_us;
  axis.replaceChildren();
  grid.replaceChildren();
  let at_us = base_us + Math.ceil((viewport.start_us - base_us) / step_us) * step_us;
  for (; at_us < viewport.end_us; at_us += step_us) {
    const position = Math.round(x(at_us)) + 0.5;
    grid.append(s("line", { class: "grid-line", x1: position, x2: position, y1: 0, y2: height }));
    if (position < left + 24 || position > width - 30) continue;
    const text = scene.clock ? clock(at_us, step_us < 1e6) : relativeLabel(at_us - base_us, step_us);
    axis.append(s("text", { class: "tick", x: position, y: TICK_Y }, text));
  }
}

/** Midnight of the reader's zone: ticks of hours stand at whole ones there. */
function zone(now_us) {
  return 1000 * new Date(now_us / 1000).setHours(0, 0, 0, 0);
}

function relativeLabel(us, step_us) {
  if (Math.abs(us) < step_us / 2) return "0";
  const sign = us < 0 ? "−" : "+";
  if (step_us >= 60e6) return `${sign}${duration(Math.abs(us))}`;
  const [unit, unit_us] = step_us >= 1e5 ? ["s", 1e6] : step_us >= 100 ? ["ms", 1e3] : ["µs", 1];
  const size = (Math.abs(us) / unit_us).toFixed(step_us < unit_us ? 1 : 0);
  return `${sign}${size} ${unit}`;
}

/** Draw the lines that a reader compares: where the plan ends, the bound, and the present. */
export function drawMarkers(layer, flags, scene) {
  const { view, now_us, x, left, width, height } = scene;
  const lines = [["now", now_us]];
  if (view.planned_makespan_us > 0) lines.push(["plan", view.origin_us + view.planned_makespan_us]);
  if (view.bound_us > 0) lines.push(["bound", view.origin_us + view.bound_us]);
  layer.replaceChildren();
  flags.replaceChildren();
  drawDeadlines(layer, flags, scene);
  const taken = [];
  for (const [kind, at_us] of lines) {
    const position = Math.round(x(at_us)) + 0.5;
    if (position < left || position > width) continue;
    layer.append(s("line", { class: `marker marker-${kind}`, x1: position, x2: position, y1: 0, y2: height }));
    flag(flags, kind, position, taken, width);
  }
}

/** A word below the scale; where two would meet, the later one steps aside. */
function flag(flags, kind, position, taken, width) {
  const half = 4 + 3.4 * kind.length;
  let at = Math.min(position, width - half - 2);
  while (taken.some((other) => Math.abs(other.at - at) < other.half + half)) at -= 6;
  taken.push({ at, half });
  flags.append(
    s("rect", { class: "flag-face", x: at - half, y: FLAG_Y - 11, width: 2 * half, height: 15, rx: 3 }),
    s("text", { class: `flag flag-${kind}`, x: at, y: FLAG_Y, "data-testid": `flag-${kind}` }, kind),
  );
}

function drawDeadlines(layer, flags, { runs, now_us, x, left, width, height }) {
  for (const run of runs) {
    if (run.deadline_us === null) continue;
    const position = x(run.deadline_us);
    if (position < left || position > width) continue;
    const missed = deadlineState(run, now_us) === "missed";
    const kind = missed ? " missed" : "";
    layer.append(s("line", { class: `marker marker-deadline${kind}`, x1: position, x2: position, y1: 0, y2: height }));
    flags.append(
      s("path", { class: `deadline-flag${kind}`, d: `M${position - 4} ${AXIS_HEIGHT - 7}h8l-4 6z`, "data-testid": "deadline" },
        s("title", {}, `deadline of ${run.run}${missed ? ", missed" : ""}`)),
    );
  }
}
