/** What a run waited for, by cause, and what went before it though it was less urgent. */

import { h, row, table } from "../base/dom.js";
import { duration, percent } from "../base/format.js";
import { cause } from "../base/words.js";

const COLUMNS = [["Waited for", "lead"], ["Time", "num"], ["Share", "num"]];

/** The part of a run's details; null where it waited for nothing. */
export function waits(run) {
  const ordered = Object.entries(run.waited).sort(([, a], [, b]) => b - a);
  const total_us = ordered.reduce((sum, [, us]) => sum + us, 0);
  if (total_us === 0) return null;
  const rows = ordered.map(([name, us]) =>
    row(COLUMNS, [cause(name), duration(us), share(us / total_us)], { "data-cause": name }));
  const so_far = run.ended_us === null ? " so far" : ` of ${duration(run.ended_us - run.submitted_us)}`;
  return h("div", { "data-testid": "waits" },
    h("h3", {}, `Waited ${duration(total_us)}${so_far}`),
    table(COLUMNS, rows),
    run.inversions.map((found) => h("p", { class: "note", "data-testid": "inversion" }, went(found))));
}

function share(part) {
  const bar = h("i", { class: "lag" });
  bar.style.width = `${Math.round(70 * part)}px`;
  return h("span", {}, bar, percent(part));
}

function went({ lower_operation: lower, machine, operation, began_us, started_us }) {
  return `${lower}, less urgent, began on ${machine} ${duration(started_us - began_us)} before ${operation}, which was ready.`;
}
