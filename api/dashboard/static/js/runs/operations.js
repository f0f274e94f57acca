/** The same operations as a table: for keyboards, screen readers and those who like lists. */

import { chip, empty, h, refill, row, table } from "../base/dom.js";
import { clock, deviation, duration, span } from "../base/format.js";
import { BANDS, label, outcome, state as stateWords, tone } from "../base/words.js";

const COLUMNS = [
  ["Operation", "lead"], ["Run", "nowrap"], ["State"], ["Machine", "nowrap"], ["Provider", "nowrap"], ["Priority", "nowrap"],
  ["Start", "num"], ["Predicted", "num"], ["Actual", "num"],
];
const MOST_ROWS = 200;

export class OperationTable {
  constructor(container, state, onSelect) {
    this.container = container;
    this.state = state;
    this.onSelect = onSelect;
  }

  draw() {
    if (this.container.hidden || !this.state.view) return;
    const bars = [...this.state.bars.values()].sort((a, b) => begin(b) - begin(a)).slice(0, MOST_ROWS);
    refill(this.container, [bars, this.state.selection], () => this.make(bars));
  }

  make(bars) {
    if (bars.length === 0) return empty("No operations yet.", "They appear when a run is submitted.");
    const rows = bars.map((bar) => operationRow(COLUMNS, bar, this.state.selection, this.onSelect));
    return h("div", { class: "scroll" }, table(COLUMNS, rows, { "data-testid": "operation-table" }));
  }
}

function begin(bar) {
  return bar.started_us ?? bar.planned_start_us ?? Infinity;
}

/** The attempts before the latest: of the last of them, if it failed or gave way, and to whom. */
function before(failures) {
  const words = outcome(failures.at(-1));
  return failures.length === 1 ? words : `${failures.length} attempts before: ${words}`;
}

/** A row about an operation, with a button that explains it. */
export function operationRow(columns, bar, selection, onSelect) {
  const predicted = span(bar.planned_start_us, bar.planned_end_us);
  const actual = span(bar.started_us, bar.ended_us);
  const cells = {
    Operation: h("button", { class: "link", type: "button", onclick: () => onSelect(bar.operation) }, label(bar)),
    Run: h("span", { class: "mono" }, bar.run),
    State: h("span", {}, chip(stateWords(bar.state)), bar.failures.length > 0
      ? h("span", { class: "note" }, before(bar.failures)) : ""),
    Machine: bar.machine || "–",
    Provider: bar.provider || "–",
    Priority: h("span", { class: "band" }, h("i", { class: `swatch ${tone(bar)}` }), BANDS[bar.band]),
    Start: clock(bar.started_us ?? bar.planned_start_us, true),
    Predicted: duration(predicted),
    Actual: h("span", {}, duration(actual), h("span", { class: "note" }, actual === null ? "" : deviation(actual, predicted))),
  };
  const picked = selection?.kind === "operation" && selection.id === bar.operation;
  return row(columns, columns.map(([title]) => cells[title]), { class: picked ? "picked" : null, "data-operation": bar.operation, "data-key": bar.operation });
}
