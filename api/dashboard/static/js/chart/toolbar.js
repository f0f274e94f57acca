/** The buttons above the chart: which stretch of time, which colours, which scale, chart or table. */

import { h, refill } from "../base/dom.js";

const COLOURS = { priority: "Colour: priority", workload: "Colour: workload", run: "Colour: run" };
const SCALES = { now: "0 = now", clock: "Clock time" };

export class Toolbar {
  constructor(element, gantt, { colours, scale, onTable }) {
    Object.assign(this, { element, gantt, colours, scale, onTable, tabular: false });
  }

  draw() {
    const { gantt, tabular } = this;
    const { mode } = gantt.viewport;
    refill(this.element, [tabular, mode, this.colours.value, this.scale.value], () => [
      h("div", { class: "group", "data-key": "form" },
        button("Chart", "Show a chart", String(!tabular), () => this.show(false)),
        button("Table", "Show a table", String(tabular), () => this.show(true))),
      tabular ? null : [
        h("div", { class: "group", "data-key": "stretch" },
          button("Live", "Follow the present", String(mode === "follow"), () => gantt.setMode("follow")),
          button("Fit", "Show everything", String(mode === "fit"), () => gantt.setMode("fit")),
          button("−", "Zoom out", null, () => gantt.move(zoomBy(1.6))),
          button("+", "Zoom in", null, () => gantt.move(zoomBy(1 / 1.6)))),
        chooser("Colours of the bars", this.colours, COLOURS),
        chooser("Scale of time", this.scale, SCALES),
      ],
    ]);
  }

  show(tabular) {
    this.tabular = tabular;
    this.draw();
    this.onTable(tabular);
  }
}

function button(text, label, pressed, onclick) {
  return h("button", { type: "button", "aria-label": label, title: label, "aria-pressed": pressed, onclick }, text);
}

function chooser(label, choice, words) {
  return h("select", { "aria-label": label, "data-key": label, onchange: (event) => choice.choose(event.target.value) },
    choice.values.map((value) => h("option", { value, selected: choice.value === value ? "selected" : null }, words[value])));
}

function zoomBy(factor) {
  return (viewport) => viewport.zoom(factor, (viewport.start_us + viewport.end_us) / 2);
}
