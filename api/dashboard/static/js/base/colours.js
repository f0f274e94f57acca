/** Colours of bars: by priority, or a hue of its own for each workload or run. */

import { tone } from "./words.js";

/** Hues of `--hue-0` and on; after the last the first comes again. */
const HUES = 8;
/** Owners whose hue is remembered: more than a chart has bars. */
const MOST_OWNERS = 4000;

export class Colours {
  /** `choice` has the value `priority`, `workload` or `run`. */
  constructor(state, choice) {
    this.state = state;
    this.choice = choice;
    this.hues = new Map();
    this.given = 0;
  }

  /** Class of an operation's colour; measuring is grey whatever the choice. */
  of(bar) {
    const own = tone(bar);
    if (this.choice.value === "priority" || own === "profile") return own;
    return this.hue(this.choice.value === "run" ? bar.run : this.workload(bar));
  }

  workload(bar) {
    return this.state.runs.get(bar.run)?.workload ?? "";
  }

  /** Hues are given in the order in which their owners appear, and kept; the oldest is forgotten first. */
  hue(owner) {
    if (owner === "") return "profile";
    if (!this.hues.has(owner)) this.hues.set(owner, this.given++ % HUES);
    if (this.hues.size > MOST_OWNERS) this.hues.delete(this.hues.keys().next().value);
    return `hue-${this.hues.get(owner)}`;
  }

  /** Swatches of the legend: `[class, words]`. */
  legend() {
    const bands = ["critical", "high", "normal", "background"].map((band) => [band, band]);
    const measuring = ["profile", "measuring"];
    if (this.choice.value === "priority") return [...bands, measuring];
    if (this.choice.value === "run") return [["hue-0", "each run"], ["hue-1", "a colour"], ["hue-2", "of its own"], measuring];
    const names = [...new Set([...this.state.bars.values()].map((bar) => this.workload(bar)))].filter((name) => name && !name.startsWith("profile"));
    return [...names.sort().map((name) => [this.hue(name), name]), measuring];
  }
}
