/** A row about a run. Each cell has two lines, full or not, so that no row moves another. */

import { chip, h, row } from "../base/dom.js";
import { ago, clock, duration } from "../base/format.js";
import { deadlineState, dueState, lateness, promised, promisedAtMost, standing, took } from "../base/promise.js";
import { BANDS, reason, state as stateWords } from "../base/words.js";

export const COLUMNS = [
  ["Run", "lead"], ["State", ""], ["Submitted", ""], ["Promised", "num"], ["Took", "num"], ["Limit", ""], ["Cancel", "num bare"],
];
const OPEN = new Set(["queued", "running"]);
const TONES = { met: "good", kept: "good", missed: "bad", late: "warn", "at risk": "warn", "in time": "" };

/** The row; a press anywhere in it opens the run. */
export function runRow(run, now_us, picked, { onSelect, onCancel }) {
  const [late, tone] = lateness(run, now_us);
  return row(COLUMNS, [
    two(h("button", { class: "link mono", type: "button", onclick: stopped(() => onSelect(run.run)) }, run.run),
      [h("i", { class: `swatch ${run.kind === "run" ? BANDS[run.band] : "profile"}` }), ` ${BANDS[run.band]} · ${run.workload}`]),
    two(chip(stateWords(standing(run))), run.reason ? reason(run.reason) : "", run.detail || (run.reason && reason(run.reason))),
    two(ago(run.submitted_us, now_us), "", clock(run.submitted_us, true)),
    two(duration(promised(run)), run.predicted_p95_us === null ? "" : `p95 ${duration(promisedAtMost(run))}`),
    two(run.state === "queued" ? "–" : duration(took(run, now_us)), late, "", tone),
    limit(run, now_us),
    OPEN.has(run.state) && run.kind === "run"
      ? h("button", { type: "button", class: "cross", "aria-label": `Cancel ${run.run}`, title: "Cancel the run", onclick: stopped(() => onCancel(run)) }, "✕") : "",
  ], { class: picked ? "picked" : null, "data-key": run.run, "data-run": run.run, "data-state": run.state, onclick: () => onSelect(run.run) });
}

/** A button inside the row acts by itself. */
function stopped(act) {
  return (event) => {
    event.stopPropagation();
    act();
  };
}

function two(first, second = "", title = "", tone = "") {
  return h("span", { class: "two", title: title || null }, h("span", {}, first), h("span", { class: ["note", tone && `${tone}-text`] }, second));
}

/** The deadline and the due date, each with where the run stands with it. */
function limit(run, now_us) {
  const parts = [["deadline", run.deadline_us, deadlineState(run, now_us)], ["due", run.due_us, dueState(run, now_us)]]
    .filter(([, at_us]) => at_us !== null)
    .map(([name, at_us, found]) => h("span", { class: TONES[found] && `${TONES[found]}-text` }, `${name} ${duration(at_us - run.submitted_us)}${found && `: ${found}`}`));
  return h("span", { class: "two limits" }, parts.length ? parts : "–");
}
