/** One run: what was promised, what happened, its operations, its documents. */

import { chip, h, table } from "./dom.js";
import { clock, deviation, duration, plural } from "./format.js";
import { save } from "./http.js";
import { operationRow } from "./operations.js";
import { operatorsPart } from "./operators.js";
import { waits } from "./waits.js";
import { BANDS, reason, state as stateWords } from "./words.js";

const COLUMNS = [["Operation", "lead"], ["State"], ["Machine", "nowrap"], ["Provider", "nowrap"], ["Start", "num"], ["Predicted", "num"], ["Actual", "num"]];

/**
 * The content of the details panel for a run; `operations` may still be on their way (null).
 * `inside` is the stage whose operators are shown, if one is.
 */
export function describeRun(run, operations, { onOperation, onStage, onCancel, onError, selection, inside }) {
  const open = run.state === "queued" || run.state === "running";
  const path = `v1/runs/${encodeURIComponent(run.run)}`;
  const link = (text, address, name) => h("a", {
    href: address, download: name, "data-testid": `link-${text.toLowerCase()}`,
    onclick: (event) => { event.preventDefault(); save(address, name).catch(onError); },
  }, text);
  return [
    h("div", { class: "panel-head" },
      h("h2", {}, "Run ", h("span", { class: "mono" }, run.run)),
      chip(stateWords(run.state)),
      h("span", { class: "tools" },
        link("Trace", `${path}/trace`, `${run.run}.trace.json`),
        link("Explain", `${path}/explain`, `${run.run}.explain.json`),
        open && run.kind === "run" ? h("button", { type: "button", onclick: () => onCancel(run) }, "Cancel run") : null)),
    h("div", { class: "details-body wide", "data-testid": "run-details" },
      h("dl", { class: "facts flow" }, facts(run).map(([term, text]) => h("div", {}, h("dt", {}, term), h("dd", {}, text)))),
      run.detail ? h("p", { class: "note" }, run.detail) : null,
      waits(run),
      list(operations, selection, onOperation),
      run.kind === "run" ? operatorsPart(operations, inside, onStage) : null,
      h("p", { class: "note" }, "Open the trace in ui.perfetto.dev: planned and actual, a track per machine.")),
  ];
}

function priority({ band, effective_band: counts }) {
  const now = counts ?? band;
  return now === band ? BANDS[band] : `${BANDS[band]}, counts as ${BANDS[now]}`;
}

function facts(run) {
  const predicted = run.predicted_p50_us === null ? null : run.predicted_p50_us - run.submitted_us;
  const actual = run.ended_us === null ? null : run.ended_us - run.submitted_us;
  const found = [["Workload", run.workload], ["Priority", priority(run)], ["Submitted", clock(run.submitted_us, true)]];
  if (run.reason) found.push(["Reason", reason(run.reason)]);
  if (run.started_us !== null) found.push(["Started after", duration(run.started_us - run.submitted_us)]);
  found.push(["Promised, p50", duration(predicted)]);
  if (run.predicted_p95_us !== null) found.push(["Promised, p95", duration(run.predicted_p95_us - run.submitted_us)]);
  if (run.estimated_p50_us !== null) found.push([run.ended_us === null ? "By the plan of now" : "By its last plan", duration(run.estimated_p50_us - run.submitted_us)]);
  found.push(["Actual", actual === null ? "–" : `${duration(actual)} ${deviation(actual, predicted)}`]);
  for (const [name, at_us] of [["Deadline", run.deadline_us], ["Due", run.due_us]]) {
    if (at_us !== null) found.push([name, `${duration(at_us - run.submitted_us)}${run.ended_us === null ? "" : verdict(at_us - run.ended_us)}`]);
  }
  return found;
}

/** What was left of the time when it ended. */
function verdict(spare_us) {
  return spare_us >= 0 ? `, ended ${duration(spare_us)} before` : `, ended ${duration(-spare_us)} after`;
}

function list(operations, selection, onOperation) {
  if (operations === null) return h("p", { class: "note" }, "Reading its operations …");
  if (operations.length === 0) return h("p", { class: "note" }, "It has no operations yet.");
  const rows = operations.map((operation) => operationRow(COLUMNS, operation, selection, onOperation));
  return h("div", {}, h("h3", {}, plural(operations.length, "operation")), h("div", { class: "scroll" }, table(COLUMNS, rows)));
}
