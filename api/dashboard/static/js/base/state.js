/** What the page knows: the latest view of the site, what it remembers of earlier ones, choices. */

/** How long ended operations stay on the chart after the service stopped mentioning them. */
const MEMORY_US = 180e6;
const MOST_REMEMBERED = 3000;
const MOST_RUNS = 1000;
/** A view holds at most this many bars; a full one may not reach back for the whole window. */
const FULL_VIEW = 600;
/** Utilisation looks back this far, or as far as every operation is known. */
const WINDOW_US = 60e6;

const FINAL = new Set(["done", "finished", "failed", "cancelled"]);

export class State {
  constructor() {
    this.view = null;
    this.bars = new Map();
    this.runs = new Map();
    this.asked = new Set();
    this.selection = null;
    this.covered_us = Infinity;
    this.offset_us = 0;
    this.listeners = new Set();
  }

  /** Call `listener` after each change. */
  subscribe(listener) {
    this.listeners.add(listener);
  }

  changed() {
    for (const listener of this.listeners) listener(this);
  }

  /** Time on the service's clock, which the reader's computer need not share. */
  now() {
    return 1000 * performance.now() + this.offset_us;
  }

  /** Take a new view of the site. */
  apply(view) {
    const offset_us = view.at_us - 1000 * performance.now();
    // Of two measurements the larger offset saw the shorter delay; a big step is another clock.
    const stepped = Math.abs(offset_us - this.offset_us) > 2e6;
    this.offset_us = stepped ? offset_us : Math.max(offset_us, this.offset_us);
    this.cover(view);
    this.view = view;
    this.remember(view);
    this.rememberRuns(view.runs);
    this.changed();
  }

  /** Take runs that the reader looked back for: these are kept, however old they are. */
  applyHistory(runs) {
    for (const run of runs.filter(({ state }) => FINAL.has(state))) {
      this.asked.add(run.run);
      if (!this.runs.has(run.run)) this.runs.set(run.run, run);
    }
    this.changed();
  }

  /** A view lists all open runs and the latest ended ones; of others only ended ones are kept. */
  rememberRuns(runs) {
    const listed = new Map(runs.map((run) => [run.run, run]));
    for (const [id, run] of this.runs) if (!FINAL.has(run.state) && !listed.has(id)) this.runs.delete(id);
    for (const [id, run] of listed) this.runs.set(id, run);
    if (this.runs.size <= MOST_RUNS + listed.size + this.asked.size) return;
    const oldest = this.runList.slice(MOST_RUNS).filter(({ run }) => !listed.has(run) && !this.asked.has(run));
    for (const { run } of oldest) this.runs.delete(run);
  }

  /** Take news of one run. */
  applyRun(run) {
    this.runs.set(run.run, run);
    this.changed();
  }

  /** Since when every operation is known: utilisation must not count what is missing as idle. */
  cover(view) {
    const ends = view.bars.map((bar) => bar.ended_us).filter((at) => at !== null);
    const reach_us = view.bars.length < FULL_VIEW || ends.length === 0 ? view.at_us - WINDOW_US : Math.min(...ends);
    const gap = this.view !== null && reach_us > this.view.at_us;
    this.covered_us = gap ? reach_us : Math.min(this.covered_us, reach_us);
  }

  /** Length of the window that utilisation is about. */
  get window_us() {
    return Math.max(1, Math.min(WINDOW_US, this.now() - this.covered_us));
  }

  remember(view) {
    const oldest_us = view.at_us - MEMORY_US;
    const kept = new Map();
    for (const [id, bar] of this.bars) {
      if (FINAL.has(bar.state) && bar.ended_us > oldest_us) kept.set(id, bar);
    }
    for (const bar of view.bars) kept.set(bar.operation, bar);
    const surplus = kept.size - MOST_REMEMBERED;
    for (const [id, bar] of [...kept].slice(0, Math.max(0, surplus))) {
      kept.delete(id);
      this.covered_us = Math.max(this.covered_us, bar.ended_us ?? 0);
    }
    this.bars = kept;
  }

  /** Choose an operation or a run: `{kind, id}`, or nothing. */
  select(kind, id) {
    this.selection = kind ? { kind, id } : null;
    this.changed();
  }

  /** The id of the run that the selection belongs to, or null. */
  get selectedRun() {
    if (this.selection?.kind === "run") return this.selection.id;
    return this.selection ? (this.bars.get(this.selection.id)?.run ?? null) : null;
  }

  /** Newest first. */
  get runList() {
    return [...this.runs.values()].sort((a, b) => b.submitted_us - a.submitted_us || (a.run < b.run ? -1 : 1));
  }

  /** Whether anything is planned or running. */
  get active() {
    for (const bar of this.bars.values()) if (!FINAL.has(bar.state)) return true;
    return false;
  }

  /** Busy share of each machine in the last `window_us`, by machine id. */
  utilisation() {
    const now_us = this.now();
    const { window_us } = this;
    const busy = new Map();
    for (const bar of this.bars.values()) {
      if (bar.started_us === null || !bar.machine) continue;
      const end_us = Math.min(now_us, bar.ended_us ?? now_us);
      const span_us = end_us - Math.max(bar.started_us, now_us - window_us);
      if (span_us > 0) busy.set(bar.machine, (busy.get(bar.machine) ?? 0) + span_us);
    }
    const shares = new Map();
    for (const machine of this.view?.machines ?? []) {
      const known_us = Math.max(1, Math.min(window_us, now_us - machine.since_us));
      shares.set(machine.report.id, Math.min(1, (busy.get(machine.report.id) ?? 0) / known_us));
    }
    return shares;
  }
}
