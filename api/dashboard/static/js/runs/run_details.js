/** One run: what was promised, what happened, its operations, its documents. */

import { format } from "../base/address.js";
import { chip, h, table } from "../base/dom.js";
import { clock, duration, plural } from "../base/format.js";
import { save } from "../base/http.js";
import { lateness, promised, promisedAtMost, standing, took } from "../base/promise.js";
import { BANDS, reason, state as stateWords } from "../base/words.js";
import { log } from "./log.js";
import { operationRow } from "./operations.js";
import { operatorsPart } from "./operators.js";
import { runGraph } from "./run_graph.js";
import { waits } from "./waits.js";

const COLUMNS = [["Operation", "lead"], ["State"], ["Machine", "nowrap"], ["Predicted", "num"], ["Actual", "num"]];

/**
 * The content of the details for a run; `operations` may still be on their way (null). `inside` is
 * the stage whose operators are shown, if one is; `expanded` shows all lines of the log.
 */
export function describeRun(run, operations, now_us, { onOperation, onStage, onCancel, onError, onExpand, selection, inside, expanded }) {
  const open = run.state === "queued" || run.state === "running";
  const path = `v1/runs/${encodeURIComponent(run.run)}`;
  const link = (text, address, name) => h("a", {
    href: address, download: name, "data-testid": `link-${text.toLowerCase()}`,
    onclick: (event) => { event.preventDefault(); save(address, name).catch(onError); },
  }, text);
  const workload = run.kind === "run" ? h("a", { href: format({ page: "workload", of: run.workload }) }, run.workload) : run.workload;
  return [
    h("div", { class: "panel-head", "data-key": run.run },
      h("h2", {}, "Run ", h("span", { class: "mono" }, run.run)),
      chip(stateWords(standing(run))),
      h("span", { class: "tools" },
        link("Trace", `${path}/trace`, `${run.run}.trace.json`),
        link("Explain", `${path}/explain`, `${run.run}.explain.json`),
        open && run.kind === "run" ? h("button", { type: "button", onclick: () => onCancel(run) }, "Cancel run") : null)),
    h("div", { class: "details-body", "data-testid": "run-details" },
      h("dl", { class: "facts flow" }, [["Workload", workload], ...facts(run, now_us)].map(([term, text]) => h("div", {}, h("dt", {}, term), h("dd", {}, text)))),
      run.detail ? h("p", { class: "note" }, run.detail) : null,
      waits(run),
      operations?.length > 1 && run.kind === "run" ? h("div", { "data-key": "graph" }, h("h3", {}, "Stages"), runGraph(operations, selection, onOperation)) : null,
      list(operations, selection, onOperation),
      run.kind === "run" ? operatorsPart(operations, inside, onStage) : null,
      log(run, operations, now_us, { expanded, onExpand }),
      h("p", { class: "note" }, "Open the trace in ui.perfetto.dev: planned and actual, a track per machine.")),
  ];
}

function priority({ band, effective_band: counts }) {
  const now = counts ?? band;
  return now === band ? BANDS[band] : `${BANDS[band]}, counts as ${BANDS[now]}`;
}

function facts(run, now_us) {
  const [late, tone] = lateness(run, now_us);
  const found = [["Priority", priority(run)], ["Submitted", clock(run.submitted_us, true)]];
  if (run.reason) found.push(["Reason", reason(run.reason)]);
  if (run.started_us !== null) found.push(["Started after", duration(run.started_us - run.submitted_us)]);
  found.push(["Promised, p50", duration(promised(run))]);
  if (run.predicted_p95_us !== null) found.push(["Promised, p95", duration(promisedAtMost(run))]);
  if (run.estimated_p50_us !== null) found.push([run.ended_us === null ? "By the plan of now" : "By its last plan", duration(run.estimated_p50_us - run.submitted_us)]);
  found.push([run.ended_us === null ? "So far" : "Took", h("span", {}, duration(took(run, now_us)), " ", h("span", { class: tone && `${tone}-text` }, late))]);
  if (run.thrown_away_us > 0) found.push(["Stopped for it", `${duration(run.thrown_away_us)} of others' work`]);
  for (const [name, at_us] of [["Deadline", run.deadline_us], ["Due", run.due_us]]) {
    if (at_us !== null) found.push([name, `${duration(at_us - run.submitted_us)}${run.ended_us === null ? "" : verdict(at_us - run.ended_us)}`]);
  }
  return found;
}

/** The time that was left when it ended. */
function verdict(spare_us) {
  return spare_us >= 0 ? `, ended ${duration(spare_us)} before` : `, ended ${duration(-spare_us)} after`;
}

function list(operations, selection, onOperation) {
  if (operations === null) return h("p", { class: "note" }, "Reading its operations …");
  if (operations.length === 0) return h("p", { class: "note" }, "It has no operations yet.");
  const rows = operations.map((operation) => operationRow(COLUMNS, operation, selection, onOperation));
  return h("div", {}, h("h3", {}, plural(operations.length, "operation")), h("div", { class: "scroll" }, table(COLUMNS, rows)));
}
