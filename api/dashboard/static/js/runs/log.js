/** The log of a run: a line for each thing that happened to it, told from its record. */

import { h } from "../base/dom.js";
import { clock, difference, duration } from "../base/format.js";
import { lateness, promised, promisedAtMost, standing } from "../base/promise.js";
import { label, outcome, reason, state as stateWords } from "../base/words.js";

const MOST_LINES = 40;

/** The part of the details; null until the operations are known. */
export function log(run, operations, now_us, { expanded, onExpand }) {
  if (operations === null) return null;
  const lines = linesOf(run, operations, now_us);
  const shown = expanded ? lines : lines.slice(-MOST_LINES);
  const more = lines.length > shown.length && h("button", { class: "link", type: "button", onclick: onExpand }, `Show all ${lines.length} lines`);
  return h("div", { class: "log", "data-testid": "log" },
    h("h3", {}, "Log"), more,
    h("ol", {}, shown.map(({ at_us, text, tone = "" }) => h("li", { class: tone && `${tone}-text` },
      h("time", { class: "mono", title: clock(at_us, true) }, difference(at_us - run.submitted_us)), h("span", {}, text)))));
}

function linesOf(run, operations, now_us) {
  const lines = [...ofRun(run, now_us), ...operations.flatMap(ofOperation), ...run.inversions.map(ofInversion)];
  // Sorting keeps the order of lines of the same moment: the end of the run is the last of them.
  if (run.ended_us !== null) lines.push(end(run, now_us));
  return lines.sort((a, b) => a.at_us - b.at_us);
}

function ofRun(run, now_us) {
  const said = run.predicted_p50_us === null ? "" : `; promised in ${duration(promised(run))}, p95 ${duration(promisedAtMost(run))}`;
  const lines = [{ at_us: run.submitted_us, text: `submitted${said}` }];
  for (const [name, at_us] of [["due date", run.due_us], ["deadline", run.deadline_us]]) {
    if (at_us !== null && at_us <= (run.ended_us ?? now_us)) lines.push({ at_us, text: `${name} passed`, tone: "warn" });
  }
  return lines;
}

function end(run, now_us) {
  const [late, tone] = lateness(run, now_us);
  const words = run.state === "finished" ? `finished, ${late}` : [stateWords(standing(run))[0], reason(run.reason), run.detail].filter(Boolean).join(": ");
  return { at_us: run.ended_us, text: words, tone: run.state === "finished" ? tone : "bad" };
}

function ofOperation(operation) {
  const name = label(operation);
  const lines = operation.failures.map((failure) => ({
    at_us: failure.at_us,
    text: `${name}, attempt ${failure.attempt} on ${failure.machine}: ${outcome(failure)}${failure.message && !failure.gave_way_to ? ` (${failure.message})` : ""}`,
    tone: failure.gave_way_to ? "warn" : "bad",
  }));
  if (operation.started_us !== null) lines.push({ at_us: operation.started_us, text: `${name} began on ${operation.machine} with ${operation.provider}` });
  if (operation.started_us !== null && operation.ended_us !== null) {
    const [word] = stateWords(operation.state);
    lines.push({ at_us: operation.ended_us, text: `${name} ${word} after ${duration(operation.ended_us - operation.started_us)}`, tone: operation.state === "failed" ? "bad" : "" });
  }
  return lines;
}

function ofInversion(found) {
  return { at_us: found.began_us, text: `${found.lower_operation}, less urgent, began on ${found.machine} before ${found.operation}`, tone: "warn" };
}
