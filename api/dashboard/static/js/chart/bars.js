/** One operation on the chart: planned outline, actual fill, transfer, wait, cross, name. */

import { put, puts, s, write } from "../base/dom.js";
import { deviation, duration, span } from "../base/format.js";
import { label, lane, state as stateWords } from "../base/words.js";
import { baseline, inset } from "./geometry.js";
import { cross } from "./marks.js";

/** Margins above and below in a row; a transfer is a line in its middle. */
const PLAN_MARGIN = 3;
const FILL_MARGIN = 6;
const WAIT_MARGIN = 8;
const TRANSFER_PX = 6;
/** What still shows when the chart is zoomed far out. */
const LEAST_PX = 1.5;
/** Mean width of a letter at the size of the names. */
const LETTER_PX = 6.1;

const NOT_STARTED = new Set(["expected", "waiting", "dispatched"]);

/** Make the group that `drawBar` keeps up to date. */
export function makeBar(bar) {
  return s("g", {
    role: "button",
    tabindex: -1,
    "data-testid": "bar",
    "data-operation": bar.operation,
    "data-run": bar.run,
  });
}

/**
 * Draw or redraw a bar.
 *
 * @param {SVGGElement} group
 * @param {object} bar - The operation's record.
 * @param {object} place - `y` and height (`tall`) of the row, `x(us)` in pixels (clamped to what is
 *   near), `now_us`, the class of its colour (`tone`), and whether it is `selected`, `lit` or `dimmed`.
 */
export function drawBar(group, bar, place) {
  const { x, y, tall, now_us } = place;
  puts(group, {
    class: classes(bar, place),
    transform: `translate(0 ${y})`,
    "data-state": bar.state,
    "aria-label": describe(bar),
  });
  const planned = bar.planned_start_us === null ? null : [x(bar.planned_start_us), x(bar.planned_end_us)];
  const actual = bar.started_us === null ? null : [x(bar.started_us), x(bar.ended_us ?? now_us)];
  part(group, "plan", "rect", planned && { ...across(...planned), ...inset(tall, PLAN_MARGIN), rx: 2 });
  part(group, "wait", "rect", waited(bar, place));
  part(group, "transfer", "rect", actual && bar.transfer_us > 0
    ? { ...across(x(bar.started_us - bar.transfer_us), actual[0]), ...inset(tall, (tall - TRANSFER_PX) / 2) } : null);
  part(group, "actual", "rect", actual && { ...across(...actual), ...inset(tall, FILL_MARGIN), rx: 1.5 });
  part(group, "cross", "path", bar.state === "failed" && actual ? { d: cross(actual[1], tall) } : null);
  name(group, bar, actual ?? planned ?? [0, 0], place);
}

/** Redraw only what time alone changes: what runs grows, what is late waits longer. */
export function growBar(group, bar, place) {
  if (bar.state === "running" || NOT_STARTED.has(bar.state)) drawBar(group, bar, place);
}

function classes(bar, place) {
  const flags = [place.selected && "selected", place.lit && "lit", place.dimmed && "dimmed"].filter(Boolean);
  return ["bar", place.tone, `state-${bar.state}`, ...flags].join(" ");
}

/** The time for which an operation was late: from its planned start to its real one, or to now. */
function waited(bar, { x, tall, now_us }) {
  if (bar.planned_start_us === null || bar.state === "cancelled") return null;
  const since_us = bar.planned_start_us;
  const until_us = bar.started_us === null ? now_us : bar.started_us - bar.transfer_us;
  if (until_us <= since_us || (bar.started_us === null && !NOT_STARTED.has(bar.state))) return null;
  const [from, to] = [x(since_us), x(until_us)];
  return to - from < 2 ? null : { x: from, width: to - from, ...inset(tall, WAIT_MARGIN), fill: "url(#hatch)" };
}

function across(from, to) {
  return { x: from, width: Math.max(LEAST_PX, to - from) };
}

function name(group, bar, [from, to], place) {
  const left = Math.max(from, place.left);
  const letters = Math.floor((Math.min(to, place.right) - left - 8) / LETTER_PX);
  const text = label(bar);
  const shown = letters >= text.length ? text : letters >= 4 ? `${text.slice(0, letters - 1)}…` : "";
  part(group, "ink", "text", shown ? { x: left + 4, y: baseline(place.tall) } : null);
  if (shown) write(group.parts.ink, shown);
}

/** Make, update or remove one part of a bar. */
function part(group, kind, tag, attributes) {
  const parts = (group.parts ??= {});
  if (!attributes) {
    parts[kind]?.remove();
    delete parts[kind];
    return;
  }
  if (!parts[kind]) {
    parts[kind] = s(tag, { class: kind });
    group.append(parts[kind]);
  }
  puts(parts[kind], attributes);
}

/** A bar in one sentence, for those who do not see it. */
export function describe(bar) {
  const [word] = stateWords(bar.state);
  const where = bar.machine ? ` on ${lane(bar.machine)}` : "";
  const predicted = span(bar.planned_start_us, bar.planned_end_us);
  const actual = span(bar.started_us, bar.ended_us);
  const parts = [`${label(bar)} of ${bar.run}, ${word}${where}`];
  if (predicted !== null) parts.push(`predicted ${duration(predicted)}`);
  if (actual !== null) parts.push(`took ${duration(actual)} (${deviation(actual, predicted) || "no prediction"})`);
  return parts.join(", ");
}

/** Let a bar take part in the order of the tab key, or not. */
export function setTabbable(group, tabbable) {
  put(group, "tabindex", tabbable ? 0 : -1);
}
