/** The promise that a run was given at its submission, and how late it is against that. */

import { duration } from "./format.js";

/** Less than this share of what was promised is no lateness that anybody notices. */
const NOTICED = 0.05;

/** Whether the service ended a run because its deadline passed. */
export function isDropped(run) {
  return run.state === "failed" && run.reason === "deadline";
}

/** The state as people call it: a run that was dropped did not fail by itself. */
export function standing(run) {
  return isDropped(run) ? "dropped" : run.state;
}

/** Time from the submission to the promised end (its median), or null without a promise. */
export function promised(run) {
  return since(run, run.predicted_p50_us);
}

/** The same for the end that 95 of 100 such runs keep. */
export function promisedAtMost(run) {
  return since(run, run.predicted_p95_us);
}

/** Time from the submission to the end, or to now. */
export function took(run, now_us) {
  return (run.ended_us ?? Math.max(now_us, run.submitted_us)) - run.submitted_us;
}

/**
 * Lateness against the promise, as `[words, tone]`. A run that did not finish kept no promise
 * early: of those only the time after it counts.
 */
export function lateness(run, now_us) {
  if (run.predicted_p50_us === null) return ["no promise", ""];
  const late_us = (run.ended_us ?? now_us) - run.predicted_p50_us;
  const beyond = run.predicted_p95_us !== null && (run.ended_us ?? now_us) > run.predicted_p95_us;
  if (run.ended_us === null) return underway(run, late_us, beyond);
  if (run.state !== "finished") return [isDropped(run) ? "dropped" : run.state, ""];
  if (Math.abs(late_us) < NOTICED * promised(run)) return ["as promised", "good"];
  return late_us > 0 ? [`${duration(late_us)} late`, beyond ? "bad" : "warn"] : [`${duration(-late_us)} early`, "good"];
}

function underway(run, late_us, beyond) {
  if (late_us > 0) return [`${duration(late_us)} late so far`, beyond ? "bad" : "warn"];
  const expected_us = run.estimated_p50_us === null ? 0 : run.estimated_p50_us - run.predicted_p50_us;
  return expected_us > NOTICED * promised(run) ? [`expected ${duration(expected_us)} late`, "warn"] : ["", ""];
}

/** Where a run stands with its deadline: `met`, `missed`, `at risk` (by its p95 of now), `in time`, or nothing. */
export function deadlineState(run, now_us) {
  if (run.deadline_us === null) return "";
  if (isDropped(run)) return "missed";
  if (run.ended_us !== null) return run.state === "finished" ? (run.ended_us <= run.deadline_us ? "met" : "missed") : "";
  if (now_us > run.deadline_us) return "missed";
  return run.estimated_p95_us !== null && run.estimated_p95_us > run.deadline_us ? "at risk" : "in time";
}

/** The same with its due date, after which a run goes on and is late. */
export function dueState(run, now_us) {
  if (run.due_us === null || (run.ended_us !== null && run.state !== "finished")) return "";
  if (run.ended_us !== null) return run.ended_us <= run.due_us ? "kept" : "late";
  return now_us > run.due_us ? "late" : "in time";
}

function since(run, at_us) {
  return at_us === null ? null : at_us - run.submitted_us;
}
