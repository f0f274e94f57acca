/** A workload: its graph of stages with the time each takes, its figures, its runs. */

import { format } from "../base/address.js";
import { empty, h, refill } from "../base/dom.js";
import { duration, plural, quantile } from "../base/format.js";
import { wholeOf } from "../base/library.js";
import { dag } from "../runs/dag.js";
import { runPanel, Runs } from "../runs/runs.js";
import { summary } from "./figures_of_runs.js";

export class WorkloadPage {
  constructor(element, state, library, handlers, of) {
    this.state = state;
    this.library = library;
    this.of = of;
    this.about = h("section", { class: "panel", "aria-label": "About the workload", "data-testid": "workload-page" });
    this.graph = h("section", { class: "panel", "aria-labelledby": "graph-title" },
      h("div", { class: "panel-head" }, h("h2", { id: "graph-title" }, "Stages"), h("span", { class: "note" }, "median of recent durations")), h("div", { class: "graph" }));
    const panel = runPanel("page-runs-title");
    element.classList.add("workload-page");
    element.append(this.about, this.graph, panel);
    this.runs = new Runs(panel, state, handlers, of);
    this.runs.lookBack();
  }

  draw() {
    this.drawAbout();
    this.runs.draw();
  }

  drawAbout() {
    const record = this.library.workload(this.of);
    this.graph.hidden = record === null;
    if (record === null) {
      refill(this.about, ["absent", this.library.workloads === null], () => this.library.workloads === null
        ? h("p", { class: "hint" }, "Reading the workload …") : empty("There is no such workload.", this.of));
      return;
    }
    const key = `${record.name}@${record.version}`;
    const found = summary(this.state.runList.filter((run) => run.workload === key), this.state.now());
    const stages = record.workload.stages.map((stage) => this.stage(stage, key));
    refill(this.graph.querySelector(".graph"), stages, () => dag(stages, edges(record), (name) => choose(record, name)));
    refill(this.about, [key, found], () => [
      h("div", { class: "panel-head" }, h("h2", {}, "Workload ", h("span", { class: "mono" }, key)), h("span", { class: "note" }, plural(stages.length, "stage"))),
      h("dl", { class: "facts page-facts" }, facts(record, found).flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)])),
    ]);
  }

  /** A node: the stage, its model or function, and the median of its operations that ended lately. */
  stage(stage, key) {
    const times = [];
    for (const bar of this.state.bars.values()) {
      if (bar.stage === stage.name && bar.state === "done" && this.state.runs.get(bar.run)?.workload === key) times.push(bar.ended_us - bar.started_us);
    }
    const each = stage.fan_out ? `~${stage.expected_items} items, each ` : "";
    return { name: stage.name, tone: `kind-${stage.kind}`, inert: stage.kind !== "model", title: `${stage.name}: ${stage.kind} ${stage.target}`, lines: [stage.target, each + duration(quantile(times, 0.5))] };
  }
}

function edges({ workload }) {
  const found = workload.stages.flatMap(({ name, inputs, fan_out }) => [...inputs.map(({ stage }) => stage), fan_out.split(".")[0]].map((from) => `${from}\n${name}`));
  return [...new Set(found)].map((pair) => pair.split("\n"));
}

/** A stage that runs a model leads to the page of the model. */
function choose(record, name) {
  const stage = record.workload.stages.find((each) => each.name === name);
  location.hash = format({ page: "model", of: wholeOf(stage.target) });
}

function facts({ inputs, workload, max_queued }, found) {
  const shape = (dims) => (dims === null ? "any shape" : `[${dims.join(", ")}]`);
  return [
    ["Inputs", inputs.map((input) => `${input.name}: ${input.is_list ? "list of " : ""}${input.dtype} ${shape(input.shape)}`).join("; ") || "–"],
    ["Outputs", Object.keys(workload.outputs).join(", ") || "–"],
    ["At most open", max_queued ?? "any number"],
    ["Open", found.open],
    ["Finished", `${found.finished}, of these ${found.beyond} beyond their promised p95`],
    ["Failed", found.failed], ["Dropped", found.dropped], ["Deadline missed", found.missed],
    ["Took", `p50 ${duration(found.p50_us)}, p95 ${duration(found.p95_us)}`],
  ];
}
