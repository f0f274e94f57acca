/** Counts and times of the runs of a workload, as far as the page knows them. */

import { quantile } from "../base/format.js";
import { deadlineState, isDropped, lateness, took } from "../base/promise.js";

/** Counts by what became of them, and the time that finished ones took. */
export function summary(runs, now_us) {
  const finished = runs.filter(({ state }) => state === "finished");
  const times = finished.map((run) => took(run, now_us));
  return {
    open: runs.filter(({ ended_us }) => ended_us === null).length,
    finished: finished.length,
    failed: runs.filter((run) => run.state === "failed" && !isDropped(run)).length,
    dropped: runs.filter(isDropped).length,
    missed: runs.filter((run) => deadlineState(run, now_us) === "missed").length,
    beyond: finished.filter((run) => lateness(run, now_us)[1] === "bad").length,
    p50_us: quantile(times, 0.5),
    p95_us: quantile(times, 0.95),
  };
}
