/** A list of runs: newest first, in place, further back on demand. */

import { empty, h, refill, table } from "../base/dom.js";
import { ago } from "../base/format.js";
import { get } from "../base/http.js";
import { deadlineState } from "../base/promise.js";
import { Filters } from "./filters.js";
import { Holding, ordered } from "./holding.js";
import { COLUMNS, runRow } from "./run_row.js";

const PAGE = 50;

/** A panel with the places that a list of runs draws into. */
export function runPanel(titleId) {
  return h("section", { class: "panel run-panel", "aria-labelledby": titleId },
    h("div", { class: "panel-head" },
      h("h2", { id: titleId }, "Runs"), h("span", { class: "waiting" }),
      h("input", { type: "search", class: "search", placeholder: "Search runs", "aria-label": "Search runs by id, workload or reason", "data-testid": "search" }),
      h("div", { class: "tools" })),
    h("div", { class: "list" }));
}

export class Runs {
  /**
   * @param {HTMLElement} panel - As `runPanel` makes it.
   * @param {object} handlers - `onSelect(id)`, `onCancel(run)`, `onError(error)`.
   * @param {string} workload - Only of this one; empty for a list of all.
   */
  constructor(panel, state, handlers, workload = "") {
    this.list = panel.querySelector(".list");
    this.state = state;
    this.handlers = handlers;
    this.records = new Map();
    this.order = [];
    this.waiting = panel.querySelector(".waiting");
    this.holding = new Holding(this.list, () => this.draw());
    const search = panel.querySelector(".search");
    this.filters = new Filters(panel.querySelector(".tools"), search, () => this.chosen(), { workload });
    search.addEventListener("keydown", (event) => this.open(event));
    this.reset();
  }

  reset() {
    this.order = [];
    this.limit = PAGE;
    this.cursor = "";
    this.exhausted = false;
  }

  /** The reader chose other runs: what the page does not know of them is asked for. */
  chosen() {
    this.reset();
    this.draw();
    if (!this.filters.isOpen && this.order.length < PAGE) this.lookBack();
  }

  /** Enter in the search box opens a run whose whole id was typed, however old it is. */
  open(event) {
    const words = event.target.value.trim();
    if (event.key === "Enter" && /^[rp]-\w+$/.test(words)) this.handlers.onSelect(words);
  }

  async lookBack() {
    const { filters } = this;
    try {
      const { runs, next } = await get(`v1/runs?${filters.question(4 * PAGE, this.cursor)}`);
      this.cursor = next;
      this.exhausted = next === "";
      this.state.applyHistory(runs);
    } catch (error) {
      this.handlers.onError(error);
    }
    this.draw();
  }

  more() {
    this.limit += PAGE;
    this.order = [];
    if (this.found.length < this.limit && !this.exhausted) this.lookBack();
    this.draw();
  }

  draw() {
    const { state } = this;
    if (!state.view) return;
    const now_us = state.now();
    this.found = state.runList.filter((run) => this.filters.keeps(run, now_us));
    const wanted = this.found.slice(0, this.limit).map(({ run }) => run);
    const { order, waiting } = ordered(this.order, wanted, this.holding.holds);
    this.order = order;
    const shown = order.map((id) => this.recall(id));
    this.offerWorkloads();
    this.drawWaiting(waiting);
    const ages = shown.map((run) => [ago(run.submitted_us, now_us), deadlineState(run, now_us), run.ended_us === null && Math.floor(now_us / 1e6)]);
    refill(this.list, [shown, ages, this.found.length, state.selectedRun, state.view.runs_left_out, this.exhausted], () => this.make(shown, now_us));
  }

  /** A run as it is, or as it was when it was known last: a row that is held may outlive it. */
  recall(id) {
    const run = this.state.runs.get(id) ?? this.records.get(id);
    this.records.set(id, run);
    if (this.records.size > 4 * this.limit) this.records = new Map(this.order.map((each) => [each, this.records.get(each) ?? run]));
    return run;
  }

  offerWorkloads() {
    const names = [...new Set(this.state.runList.filter(({ kind }) => kind === "run").map(({ workload }) => workload.split("@")[0]))].sort();
    if (names.join() !== this.filters.workloads.join()) this.filters.offer(names);
  }

  drawWaiting(count) {
    refill(this.waiting, count, () => count === 0 ? [] : h("button", { type: "button", "data-testid": "waiting", onclick: () => { this.order = []; this.draw(); } }, `Show ${count} new`));
  }

  make(shown, now_us) {
    const left_out = Object.values(this.state.view.runs_left_out ?? {}).reduce((sum, count) => sum + count, 0);
    const hidden = this.found.length - shown.length;
    const nothing = shown.length === 0 && this.filters.isOpen && !this.filters.fixed;
    const further = nothing ? "" : hidden > 0 ? `Show ${Math.min(PAGE, hidden)} more of ${this.found.length}` : this.exhausted ? "" : "Look further back";
    return [
      shown.length === 0 ? this.teach() : h("div", { class: "scroll", "data-key": "rows" },
        table(COLUMNS, shown.map((run) => runRow(run, now_us, this.state.selectedRun === run.run, this.handlers)), { class: "cards runs", "data-testid": "runs" })),
      left_out > 0 && h("p", { class: "hint", "data-key": "left-out" }, `${left_out} more wait behind these.`),
      further && h("div", { class: "more", "data-key": "more" }, h("button", { type: "button", onclick: () => this.more() }, further)),
    ];
  }

  teach() {
    if (!this.filters.isOpen || this.filters.fixed) return empty("No such run.", "No run that is known fits the choices above.");
    return empty("No run has been submitted.", "Try the demo, or submit a workload of yours:", h("br"),
      h("code", {}, "fjord demo"), " ", h("code", {}, "fjord submit WORKLOAD --input NAME=FILE"));
  }
}
