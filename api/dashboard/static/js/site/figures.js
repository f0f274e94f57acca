/** The key figures on top: makespan against plan and bound, runs, utilisation, deadlines. */

import { h, puts, refill, s, write } from "../base/dom.js";
import { duration, percent } from "../base/format.js";
import { deadlineState } from "../base/promise.js";

/** Draws the figures into an element and keeps them up to date. */
export class Figures {
  constructor(container, state) {
    this.state = state;
    this.parts = { makespan: makespanPart(), runs: plainPart("Runs", null, "runs"), utilisation: utilisationPart(), deadlines: plainPart("Deadlines") };
    for (const [name, part] of Object.entries(this.parts)) {
      part.root.dataset.testid = `figure-${name}`;
      container.append(part.root);
    }
  }

  draw() {
    const { view } = this.state;
    if (!view) return;
    drawMakespan(this.parts.makespan, view);
    drawRuns(this.parts.runs, this.state);
    drawUtilisation(this.parts.utilisation, this.state);
    drawDeadlines(this.parts.deadlines, this.state);
  }
}

function plainPart(title, picture = null, kind = "") {
  const big = h("p", { class: "big" });
  const pairs = h("p", { class: "pairs" });
  return { big, pairs, root: h("div", { class: ["figure", kind] }, h("h2", {}, title), big, picture, pairs) };
}

/** A bullet graph: actual as a fill, planned as an outline, the bound as a tick. */
function makespanPart() {
  const marks = {
    rail: s("rect", { class: "rail", y: 2, height: 10, x: 0, width: 1000 }),
    actual: s("rect", { class: "actual", y: 4, height: 6, x: 0 }),
    over: s("rect", { class: "over", y: 4, height: 6 }),
    planned: s("rect", { class: "planned", y: 1.5, height: 11, x: 0 }),
    bound: s("rect", { class: "bound", y: 0, height: 14, width: 3 }),
  };
  const graph = s("svg", { class: "bullet", viewBox: "0 0 1000 14", preserveAspectRatio: "none", role: "img" }, Object.values(marks));
  return { ...plainPart("Makespan", graph, "wide"), graph, marks };
}

function drawMakespan(part, view) {
  const { planned_makespan_us: planned, actual_makespan_us: actual, bound_us: bound } = view;
  const most = 1.02 * Math.max(1, planned, actual, bound);
  const wide = (us) => (1000 * us) / most;
  const gap = planned > 0 && bound > 0 ? Math.max(0, planned - bound) / planned : null;
  refill(part.big, [planned, actual], () => [
    planned > 0 ? [duration(planned), h("small", {}, " planned"), "  "] : [],
    duration(actual || null), h("small", {}, planned > 0 ? " actual" : " actual, of the last work"),
  ].flat());
  refill(part.pairs, [planned, bound, gap], () => planned === 0 ? "nothing is planned now" : [
    pair("bound", duration(bound || null)),
    pair("gap", gap === null ? "–" : percent(gap), gap !== null && gap < 0.005 ? "good-text" : ""),
  ]);
  puts(part.marks.actual, { width: wide(planned ? Math.min(actual, planned) : actual) });
  puts(part.marks.over, { x: wide(planned), width: planned ? Math.max(0, wide(actual - planned)) : 0 });
  puts(part.marks.planned, { width: wide(planned), visibility: planned ? null : "hidden" });
  puts(part.marks.bound, { x: wide(bound) - 1.5, visibility: bound ? null : "hidden" });
  puts(part.graph, { "aria-label": `Makespan: planned ${duration(planned)}, actual ${duration(actual)}, bound ${duration(bound)}` });
}

function pair(word, value, kind = "") {
  return h("span", { class: kind || null }, `${word} `, h("b", {}, value));
}

function drawRuns(part, { view, runs }) {
  const count = { queued: 0, running: 0 };
  for (const run of runs.values()) if (run.kind === "run" && run.state in count) count[run.state] += 1;
  for (const more of Object.values(view.runs_left_out ?? {})) count.queued += more;
  const ended = endings(view.counters);
  refill(part.big, [count.running, count.queued], () => [
    String(count.running), h("small", {}, " running"), "  ", String(count.queued), h("small", {}, " queued"),
  ]);
  refill(part.pairs, ended, () => [
    pair("finished", String(ended.finished)),
    pair("failed", String(ended.failed), ended.failed > 0 ? "bad-text" : ""),
    pair("dropped", String(ended.dropped), ended.dropped > 0 ? "bad-text" : ""),
    ended.cancelled > 0 ? pair("cancelled", String(ended.cancelled)) : null,
  ]);
}

/** How all runs ended; one that was dropped at its deadline did not fail by itself. */
function endings(counters) {
  const of = (name) => counters[`runs_${name}`] ?? 0;
  return { finished: of("finished"), failed: of("failed") - of("dropped"), dropped: of("dropped"), cancelled: of("cancelled") };
}

function utilisationPart() {
  const rail = s("rect", { class: "rail", width: 1000, height: 10, y: 2 });
  const level = s("rect", { class: "fill", height: 10, y: 2 });
  const graph = s("svg", { class: "spark", viewBox: "0 0 1000 14", preserveAspectRatio: "none", "aria-hidden": "true" }, rail, level);
  const part = plainPart("Utilisation", graph);
  return { ...part, level, title: part.root.querySelector("h2") };
}

function drawUtilisation(part, state) {
  const shares = [...state.utilisation().values()];
  const mean = shares.length ? shares.reduce((a, b) => a + b, 0) / shares.length : null;
  const busy = state.view.machines.filter((machine) => machine.running).length;
  write(part.title, `Utilisation, last ${Math.max(1, Math.round(state.window_us / 1e6))} s`);
  write(part.big, percent(mean));
  puts(part.level, { width: 1000 * (mean ?? 0) });
  refill(part.pairs, [busy, shares.length], () => pair("busy now", `${busy} of ${shares.length}`));
}

/** Deadlines of all runs that ended, by the service's counters, and of those under way. */
function drawDeadlines(part, state) {
  const { runs_missed: ended = 0, runs_dropped: dropped = 0, runs_met: met = 0 } = state.view.counters;
  const open = { missed: 0, "at risk": 0, "in time": 0 };
  const now_us = state.now();
  for (const run of state.runs.values()) {
    const found = run.ended_us === null ? deadlineState(run, now_us) : "";
    if (found) open[found] += 1;
  }
  const missed = ended + open.missed;
  refill(part.big, [missed], () => [String(missed), h("small", {}, " missed")]);
  part.big.classList.toggle("bad-text", missed > 0);
  refill(part.pairs, [missed, dropped, open, met], () => [
    missed > 0 ? pair("dropped", String(dropped)) : null,
    missed > 0 ? pair("late", String(missed - dropped)) : null,
    pair("at risk", String(open["at risk"]), open["at risk"] > 0 ? "warn-text" : ""),
    pair("in time", String(open["in time"])),
    pair("met", String(met)),
  ]);
}
