/** Which stretch of time the chart shows, and how it moves. */

/** Nothing shorter than this fills the chart: microseconds are below what is measured. */
const SHORTEST_US = 500;
const LONGEST_US = 3600e6;
/** While work goes on, at most this much is shown, most of it past. */
const FOLLOWED_US = 30e6;
/** Work that is this far apart belongs to different bursts. */
const LULL_US = 3e6;
const EASE = 0.22;

export class Viewport {
  constructor() {
    this.start_us = 0;
    this.end_us = 10e6;
    this.mode = "follow"; // follow the present, fit everything, or stay where the reader put it
    this.started = false;
  }

  get span_us() {
    return this.end_us - this.start_us;
  }

  /** Move towards where the mode wants to be. Returns whether there is still way to go. */
  step(state, { jump }) {
    if (this.mode === "free") return false;
    const wanted = this.mode === "fit" ? fitting(state) : followed(state);
    if (wanted === null) return false;
    const [start_us, end_us] = wanted;
    const far = Math.abs(start_us - this.start_us) + Math.abs(end_us - this.end_us) > 0.002 * this.span_us;
    const foreign = start_us > this.end_us + 20 * this.span_us || end_us < this.start_us - 20 * this.span_us;
    const part = jump || !this.started || !far || foreign ? 1 : EASE;
    this.started = true;
    this.start_us += part * (start_us - this.start_us);
    this.end_us += part * (end_us - this.end_us);
    return far && part < 1;
  }

  /** Stretch or shrink around a moment. */
  zoom(factor, around_us) {
    const span_us = Math.min(LONGEST_US, Math.max(SHORTEST_US, this.span_us * factor));
    const share = (around_us - this.start_us) / this.span_us;
    this.start_us = around_us - share * span_us;
    this.end_us = this.start_us + span_us;
    this.mode = "free";
  }

  /** Move by a share of what is shown. */
  pan(share) {
    const by_us = share * this.span_us;
    this.start_us += by_us;
    this.end_us += by_us;
    this.mode = "free";
  }

  /** Make a moment visible, moving no more than needed. */
  reveal(start_us, end_us) {
    if (start_us >= this.start_us && end_us <= this.end_us) return;
    const span_us = Math.max(this.span_us, 1.2 * (end_us - start_us));
    const middle_us = (start_us + end_us) / 2;
    this.start_us = middle_us - span_us / 2;
    this.end_us = middle_us + span_us / 2;
    this.mode = "free";
  }
}

/** Earliest and latest moment of a bar, planned or actual. */
export function extent(bar, now_us) {
  const times = [bar.planned_start_us, bar.planned_end_us, bar.ended_us].filter((at) => at !== null);
  if (bar.started_us !== null) {
    times.push(bar.started_us - bar.transfer_us);
    if (bar.ended_us === null) times.push(now_us);
  }
  return times.length === 0 ? null : [Math.min(...times), Math.max(...times)];
}

/** The same with the attempts before, that failed or gave way. */
function withAttempts(bar, reach) {
  const starts = bar.failures.map(({ started_us, at_us }) => started_us ?? at_us);
  return reach && [Math.min(reach[0], ...starts), reach[1]];
}

/** All bars with a margin. */
function fitting(state) {
  const now_us = state.now();
  const extents = [...state.bars.values()].map((bar) => withAttempts(bar, extent(bar, now_us))).filter(Boolean);
  if (extents.length === 0) return state.view && [now_us - 8e6, now_us + 2e6];
  return padded(Math.min(...extents.map((e) => e[0])), Math.max(...extents.map((e) => e[1])));
}

/** The present while something goes on; afterwards the last burst stays in sight. */
function followed(state) {
  const now_us = state.now();
  const [start_us, end_us] = burst(state, now_us) ?? [now_us - 8e6, now_us + 2e6];
  if (!state.active) return state.view && padded(Math.max(start_us, end_us - FOLLOWED_US), end_us);
  const until_us = Math.max(end_us, now_us);
  if (until_us - start_us <= FOLLOWED_US) return padded(start_us, start_us + roomy(until_us - start_us));
  const ahead_us = Math.min(0.4 * FOLLOWED_US, Math.max(0.1 * FOLLOWED_US, until_us - now_us));
  return [now_us + ahead_us - FOLLOWED_US, now_us + ahead_us];
}

/** The last stretch of work without a lull. */
function burst(state, now_us) {
  const extents = [...state.bars.values()].map((bar) => extent(bar, now_us)).filter(Boolean);
  if (extents.length === 0) return null;
  extents.sort((a, b) => b[1] - a[1]);
  let [start_us] = extents[0];
  for (const [from_us, to_us] of extents) {
    if (to_us < start_us - LULL_US) break;
    start_us = Math.min(start_us, from_us);
  }
  return [start_us, extents[0][1]];
}

/** The next larger span of a coarse scale: the chart then rescales now and then, not all the time. */
function roomy(span_us) {
  return 1.3 ** Math.ceil(Math.log(Math.max(SHORTEST_US, span_us)) / Math.log(1.3));
}

function padded(start_us, end_us) {
  const margin_us = Math.max(0.03 * (end_us - start_us), 2 * SHORTEST_US);
  return [start_us - margin_us, end_us + 1.6 * margin_us];
}
