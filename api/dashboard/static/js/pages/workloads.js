/** The list of workloads. */

import { format } from "../base/address.js";
import { empty, h, refill, row, table } from "../base/dom.js";
import { duration } from "../base/format.js";
import { summary } from "./figures_of_runs.js";

const COLUMNS = [
  ["Workload", "lead nowrap"], ["Stages", "num"], ["Open", "num"], ["Finished", "num"], ["Failed", "num"], ["Dropped", "num"], ["Missed", "num"],
  ["p50", "num"], ["p95", "num"],
];

export class WorkloadsPage {
  constructor(element, state, library) {
    this.library = library;
    this.state = state;
    this.list = h("div", {});
    element.append(h("section", { class: "panel", "aria-labelledby": "workloads-title" },
      h("div", { class: "panel-head" }, h("h2", { id: "workloads-title" }, "Workloads"), h("span", { class: "note" }, "of the runs that this page knows")),
      this.list));
  }

  draw() {
    const { workloads } = this.library;
    if (workloads === null) return;
    const { runList } = this.state;
    const now_us = this.state.now();
    const rows = [...workloads].sort((a, b) => a.name.localeCompare(b.name) || b.version - a.version).map((each) => {
      const key = `${each.name}@${each.version}`;
      return [key, each.workload.stages.length, summary(runList.filter((run) => run.workload === key), now_us)];
    });
    refill(this.list, rows, () => rows.length === 0
      ? empty("No workload has been posted.", "Post one: ", h("code", {}, "fjord workloads create FILE.json"))
      : h("div", { class: "scroll" }, table(COLUMNS, rows.map(line), { "data-testid": "workloads" })));
  }
}

function line([key, stages, { open, finished, failed, dropped, missed, p50_us, p95_us }]) {
  const link = h("a", { href: format({ page: "workload", of: key }) }, key);
  return row(COLUMNS, [link, stages, open, finished, failed, dropped, missed, duration(p50_us), duration(p95_us)], { "data-key": key });
}
