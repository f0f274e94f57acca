/** How good the predictions are: predicted against actual, shares over time, changes for good. */

import { empty, h, refill, row, s, table } from "../base/dom.js";
import { ago, clock, duration, fixed, percent, plural } from "../base/format.js";
import { get } from "../base/http.js";

/** The service writes a report once a second; a reader needs one less often. */
const PERIOD_MS = 3000;
const WIDTH = 340;
const HEIGHT = 240;
const MARGIN = { left: 52, right: 20, top: 8, bottom: 30 };
const SPAN_US = 10e6;
const COLUMNS = [
  ["Machine", "lead nowrap"], ["Comes from", "nowrap"], ["Executions", "num"], ["Within 10 %", "num"], ["Within 20 %", "num"],
  ["Below p95", "num"], ["Actual / predicted", "num"],
];
const MARKS = [["Machine", "lead nowrap"], ["When", "nowrap"], ["Work", "nowrap"], ["New / old", "num"]];

const inner = { left: MARGIN.left, right: WIDTH - MARGIN.right, top: MARGIN.top, bottom: HEIGHT - MARGIN.bottom };

export class AccuracyPanel {
  constructor(container) {
    this.container = container;
    this.report = null;
    this.costs = null;
    this.asked_at = -Infinity;
  }

  draw() {
    this.refresh();
    refill(this.container, [this.report?.at_us ?? null, this.costs?.at_us ?? null], () => [
      this.report?.pairs.length ? this.make(this.report) : this.nothing(),
      this.costs && h("p", { class: "learning", "data-testid": "learning" }, learned(this.costs)),
    ]);
  }

  async refresh() {
    if (performance.now() - this.asked_at < PERIOD_MS) return;
    this.asked_at = performance.now();
    try {
      const [report, costs] = await Promise.all([get("v1/cost-models/accuracy"), get("v1/cost-models")]);
      if (report.at_us !== this.report?.at_us) this.report = report;
      this.costs = costs;
    } catch {
      // What was shown last stays; the header says when the service is away.
    }
  }

  nothing() {
    return empty("No prediction has been put to the test.", "Every operation that ends is compared with its prediction.");
  }

  make(report) {
    return h("div", { class: "accuracy" },
      h("figure", {}, h("figcaption", {}, "Predicted p50 against actual"), scatter(report.pairs)),
      h("figure", {}, h("figcaption", {}, "Share within 10 %, and below p95, over time"), overTime(report)),
      h("div", { class: "scroll" }, rows(report.rows), report.drifts.length ? marks(report.drifts) : null));
  }
}

/** Which learned model is in force, and what the last training made of what was measured. */
function learned({ at_us, artifact, learning }) {
  const model = artifact ? `Learned model ${(artifact.digest ?? "").slice(0, 12)} is in force.` : "No learned model is in force: predictions come from measurements and the hardware's peaks.";
  const last = learning.trainings.at(-1);
  const waits = learning.detail ? `Training ${learning.state}: ${learning.detail}.` : `Training ${learning.state}.`;
  return `${model} ${last ? `${trained(last, at_us)} ` : ""}${waits}`;
}

function trained(last, now_us) {
  const from = `Last training ${ago(last.at_us, now_us)}, on ${plural(last.rows, "measurement")} because of ${last.why}`;
  if (last.detail) return `${from}: ${last.detail}.`;
  const losses = last.challenger_loss === null ? "" : ` (${fixed(last.challenger_loss, 3)}${last.champion_loss === null ? "" : ` against ${fixed(last.champion_loss, 3)}`})`;
  return last.replaced ? `${from}: the new model took over${losses}.` : `${from}: the old model stayed${losses}.`;
}

/** Dots on logarithmic axes; on the line, what was said is what happened. */
function scatter(pairs) {
  const values = pairs.flatMap((pair) => [pair.p50_us, pair.actual_us]);
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...values))));
  const x = (us) => place(Math.log10(us), low, high, inner.left, inner.right);
  const y = (us) => place(Math.log10(us), low, high, inner.bottom, inner.top);
  const ticks = Array.from({ length: high - low + 1 }, (_, i) => 10 ** (low + i));
  return chart(`${pairs.length} executions, predicted against actual`, "accuracy-scatter",
    ...ticks.map((us) => s("line", { class: "grid", x1: inner.left, x2: inner.right, y1: y(us), y2: y(us) })),
    ...ticks.map((us) => s("text", { x: inner.left - 5, y: y(us) + 4, "text-anchor": "end" }, duration(us))),
    ...ticks.map((us) => s("text", { x: x(us), y: HEIGHT - 10, "text-anchor": "middle" }, duration(us))),
    s("line", { class: "equal", x1: x(10 ** low), y1: y(10 ** low), x2: x(10 ** high), y2: y(10 ** high) }),
    ...pairs.map((pair) => dot(pair, x, y)));
}

function dot(pair, x, y) {
  const late = pair.actual_us > pair.p95_us;
  const words = `${pair.work} on ${pair.machine}: said ${duration(pair.p50_us)} (p95 ${duration(pair.p95_us)}), took ${duration(pair.actual_us)}`;
  return s("circle", { class: late ? "dot late" : "dot", cx: x(pair.p50_us), cy: y(pair.actual_us), r: 2.5 }, s("title", {}, words));
}

function overTime({ points, drifts }) {
  const first = points[0].at_us;
  const last = Math.max(points.at(-1).at_us, first + SPAN_US);
  const x = (us) => place(us, first, last, inner.left, inner.right);
  const y = (share) => place(share, 0, 1, inner.bottom, inner.top);
  const path = (key) => points.map((point, i) => `${i ? "L" : "M"}${x(point.at_us).toFixed(1)} ${y(point[key] / point.count).toFixed(1)}`).join("");
  const seen = drifts.filter((drift) => drift.at_us >= first);
  return chart("Accuracy over time", "accuracy-time",
    ...[0, 0.5, 0.95, 1].map((share) => s("line", { class: share === 0.95 ? "target" : "grid", x1: inner.left, x2: inner.right, y1: y(share), y2: y(share) })),
    ...[0, 0.5, 0.95].map((share) => s("text", { x: inner.left - 5, y: y(share) + 4, "text-anchor": "end" }, percent(share))),
    s("text", { x: inner.left, y: HEIGHT - 10 }, clock(first)),
    s("text", { x: inner.right, y: HEIGHT - 10, "text-anchor": "end" }, clock(last)),
    ...seen.map((drift) => s("line", { class: "drift", x1: x(Math.min(drift.at_us, last)), x2: x(Math.min(drift.at_us, last)), y1: inner.top, y2: inner.bottom },
      s("title", {}, `${drift.machine} changed: x${drift.factor.toFixed(2)} at ${clock(drift.at_us)}`))),
    s("path", { class: "covered", d: path("covered") }),
    s("path", { class: "within", d: path("within_10") }));
}

function rows(found) {
  const made = found.map((entry) => row(COLUMNS, [
    entry.machine, entry.provenance, entry.count, percent(entry.within_10 / entry.count), percent(entry.within_20 / entry.count),
    percent(entry.covered / entry.count), `x${entry.bias.toFixed(2)}`,
  ]));
  return table(COLUMNS, made, { "data-testid": "accuracy" });
}

function marks(drifts) {
  const latest = drifts.slice(-10).reverse();
  const made = latest.map((drift) => row(MARKS, [drift.machine, clock(drift.at_us), h("span", { title: drift.work }, drift.work.slice(0, 12)), `x${drift.factor.toFixed(2)}`]));
  return table(MARKS, made, { "data-testid": "drifts" });
}

function chart(label, id, ...children) {
  return s("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label, "data-testid": id }, ...children);
}

function place(value, low, high, from, to) {
  return from + ((value - low) / (high - low || 1)) * (to - from);
}
