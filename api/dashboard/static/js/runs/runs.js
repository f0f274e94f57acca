/** The table of runs: state and reason in words, predicted against actual, deadline, cancel. */

import { chip, empty, h, refill, row, table } from "./dom.js";
import { ago, deviation, duration } from "./format.js";
import { deadlineState } from "./figures.js";
import { BANDS, reason, state as stateWords } from "./words.js";

const COLUMNS = [
  ["Run", "lead nowrap"], ["Priority", "nowrap"], ["State", "rest"], ["Submitted", "nowrap"], ["Predicted", "num"], ["Actual", "num"], ["Deadline", "nowrap"], ["", "num bare"],
];
const PAGE = 50;
const OPEN = new Set(["queued", "running"]);

/** Which runs each filter lets through. */
const FILTERS = {
  All: (run) => run.kind === "run",
  Open: (run) => run.kind === "run" && OPEN.has(run.state),
  Failed: (run) => run.kind === "run" && run.state === "failed",
  Measuring: (run) => run.kind !== "run",
};
const DEADLINE_TONES = { met: "good", missed: "bad", "at risk": "warn", "in time": "" };

export class Runs {
  constructor(container, filters, state, { onSelect, onCancel }) {
    this.container = container;
    this.state = state;
    this.handlers = { onSelect, onCancel };
    this.filter = "All";
    this.limit = PAGE;
    this.buttons = Object.keys(FILTERS).map((name) => h("button", { type: "button", onclick: () => this.choose(name) }, name));
    filters.append(h("div", { class: "group" }, this.buttons));
    this.choose("All");
  }

  choose(name) {
    this.filter = name;
    this.limit = PAGE;
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(button.textContent === name));
    this.draw();
  }

  draw() {
    if (!this.state.view) return;
    const now_us = this.state.now();
    const found = this.state.runList.filter(FILTERS[this.filter]);
    const shown = found.slice(0, this.limit);
    const times = shown.map((run) => [ago(run.submitted_us, now_us), deadlineState(run, now_us)]);
    refill(this.container, [shown, times, found.length, this.state.selectedRun, this.state.view.runs_left_out], () => this.make(shown, found.length, now_us));
  }

  make(shown, total, now_us) {
    if (total === 0) return this.teach();
    const rows = shown.map((run) => this.row(run, now_us));
    const more = total > shown.length && h("div", { class: "more" },
      h("button", { type: "button", "data-focus": "more", onclick: () => { this.limit += PAGE; this.draw(); } }, `Show ${Math.min(PAGE, total - shown.length)} more of ${total}`));
    const left_out = Object.values(this.state.view.runs_left_out ?? {}).reduce((sum, count) => sum + count, 0);
    const rest = left_out > 0 && h("p", { class: "hint" }, `${left_out} more wait behind these.`);
    return [h("div", { class: "scroll" }, table(COLUMNS, rows, { "data-testid": "runs" })), more, rest];
  }

  teach() {
    if (this.filter !== "All") return empty("No such run.", "Nothing here at the moment.");
    return empty("No run has been submitted.", "Try the demo, or submit a workload of yours:", h("br"),
      h("code", {}, "fjord demo"), " ", h("code", {}, "fjord submit WORKLOAD --input NAME=FILE"));
  }

  row(run, now_us) {
    const predicted = run.predicted_p50_us === null ? null : run.predicted_p50_us - run.submitted_us;
    const actual = run.ended_us === null ? null : run.ended_us - run.submitted_us;
    const deadline = deadlineState(run, now_us);
    const selected = this.state.selectedRun === run.run;
    return row(COLUMNS, [
      h("span", {}, h("button", { class: "link", type: "button", "data-focus": run.run, onclick: () => this.handlers.onSelect(run.run) }, h("span", { class: "mono" }, run.run)),
        h("span", { class: "note" }, run.workload)),
      h("span", { class: "band" }, h("i", { class: `swatch ${run.kind === "run" ? BANDS[run.band] : "profile"}` }), BANDS[run.band]),
      h("span", {}, chip(stateWords(run.state)), run.reason ? h("span", { class: "note", title: run.detail || null }, reason(run.reason)) : ""),
      ago(run.submitted_us, now_us),
      h("span", { title: p95(run) }, duration(predicted), h("span", { class: "note" }, moved(run))),
      h("span", {}, duration(actual), h("span", { class: "note" }, deviation(actual, predicted))),
      deadline ? h("span", {}, chip([deadline, DEADLINE_TONES[deadline]]), h("span", { class: "note" }, duration(run.deadline_us - run.submitted_us))) : "–",
      OPEN.has(run.state) && run.kind === "run"
        ? h("button", { type: "button", "data-focus": `cancel ${run.run}`, "aria-label": `Cancel ${run.run}`, onclick: () => this.handlers.onCancel(run) }, "Cancel") : "",
    ], { class: selected ? "picked" : null, "data-run": run.run, "data-state": run.state });
  }
}

function p95(run) {
  return run.predicted_p95_us === null ? null : `promised p95 ${duration(run.predicted_p95_us - run.submitted_us)}`;
}

/** Where the plan of now has moved the end of an open run, if that is not what was promised. */
function moved(run) {
  if (run.ended_us !== null || run.estimated_p50_us === null || run.estimated_p50_us === run.predicted_p50_us) return "";
  return `now ${duration(run.estimated_p50_us - run.submitted_us)}`;
}
