/** What is drawn beside the bars: attempts that failed or gave way, and what is kept free for whom. */

import { s } from "../base/dom.js";
import { duration } from "../base/format.js";
import { BANDS, label, outcome, reason } from "../base/words.js";
import { baseline, inset } from "./geometry.js";

const LOST_MARGIN = 8;
const KEPT_MARGIN = 2;
const LEAST_PX = 1.5;
/** Mean width of a bold letter at the size of the names. */
const LETTER_PX = 6.6;

/**
 * Marks of earlier attempts of an operation, each in the row of its machine: a cross where it
 * failed, the stretch that is to be done again where it gave way.
 *
 * @param {object} bar - The operation's record.
 * @param {object} plan - The layout: `rows` by machine, with `y`; `tall`, the height of each.
 * @param {(us: number) => number} x - Pixel of a moment.
 * @param {string[]} look - Classes of the operation: its colour, and if it is lit.
 */
export function attempts(bar, { rows, tall }, x, look) {
  return bar.failures
    .filter((failure) => rows.has(failure.machine))
    .map((failure) => {
      const { y } = rows.get(failure.machine);
      return failure.gave_way_to ? gaveWay(bar, failure, x, { y, tall, look }) : failed(bar, failure, x, { y, tall, look });
    });
}

/** The stretches for which machines are kept free. */
export function windows(kept, { rows, tall }, x) {
  return kept.filter((each) => rows.has(each.machine)).map((each) => {
    const [from, to] = [x(each.from_us), x(each.until_us)];
    const text = `kept for ${each.run || each.workload}`;
    const title = `Kept free for ${each.run || `the next run of ${each.workload}`} (${BANDS[each.band]}), for ${duration(each.until_us - each.from_us)}`;
    return s("g", { class: "kept", transform: at(rows.get(each.machine).y), "data-testid": "kept" },
      s("rect", { ...across(from, to), ...inset(tall, KEPT_MARGIN), rx: 2 }), named(text, from, to, tall), s("title", {}, title));
  });
}

function failed(bar, failure, x, { y, tall, look }) {
  const title = `${label(bar)}: attempt ${failure.attempt} failed, ${reason(failure.reason)}`;
  return s("g", { class: ["bar", ...look], "data-run": bar.run, transform: at(y), "data-testid": "failed-attempt" },
    s("path", { class: "cross", d: cross(x(failure.at_us), tall) }), s("title", {}, title));
}

function gaveWay(bar, failure, x, { y, tall, look }) {
  const started_us = failure.started_us ?? failure.at_us;
  const [from, to] = [x(started_us), x(failure.at_us)];
  const text = outcome(failure);
  const title = `${label(bar)} of ${bar.run} ${text}: ${duration(failure.at_us - started_us)} to be done again`;
  return s("g", { class: ["bar", ...look, "gave-way"], "data-run": bar.run, transform: at(y), "data-testid": "gave-way" },
    s("rect", { class: "lost", ...across(from, to), ...inset(tall, LOST_MARGIN), rx: 1.5 }),
    s("path", { class: "yield", d: `M${to} ${tall / 2 - 9}v18M${to - 6} ${tall / 2 - 4}l5 4l-5 4` }),
    named(text, from, to, tall), s("title", {}, title));
}

/** A cross in the middle of a row. */
export function cross(x, tall) {
  return `M${x - 4} ${tall / 2 - 4}l8 8m0 -8l-8 8`;
}

function at(y) {
  return `translate(0 ${y})`;
}

function across(from, to) {
  return { x: from, width: Math.max(LEAST_PX, to - from) };
}

function named(text, from, to, tall) {
  const fits = text.length * LETTER_PX < to - from - 12;
  return fits && s("text", { class: "ink", x: from + 4, y: baseline(tall) }, text);
}
