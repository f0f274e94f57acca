/** Which runs a list shows: by what became of them, by priority, by workload, by words. */

import { h, refill } from "../base/dom.js";
import { deadlineState, isDropped, standing } from "../base/promise.js";
import { BANDS, reason } from "../base/words.js";

const OPEN = new Set(["queued", "running"]);
const isRun = (run) => run.kind === "run";

/** What became of a run; `asks` is what the service is asked for earlier runs of that kind. */
const STANDINGS = {
  All: { keeps: isRun, asks: "" },
  Open: { keeps: (run) => isRun(run) && OPEN.has(run.state), asks: "" },
  Failed: { keeps: (run) => isRun(run) && standing(run) === "failed", asks: "failed" },
  Dropped: { keeps: (run) => isRun(run) && isDropped(run), asks: "failed" },
  Missed: { keeps: (run, now_us) => isRun(run) && deadlineState(run, now_us) === "missed", asks: "" },
  Measuring: { keeps: (run) => !isRun(run), asks: "" },
};

export class Filters {
  /** Draw the choices into `container`, listen to the field `search`; `onChange` is called after each choice. */
  constructor(container, search, onChange, { workload = "" } = {}) {
    this.container = container;
    search.addEventListener("input", () => this.change({ words: search.value.trim() }));
    this.onChange = onChange;
    this.fixed = Boolean(workload);
    this.standing = "All";
    this.band = "";
    this.workload = workload;
    this.words = "";
    this.workloads = [];
    this.draw();
  }

  change(changes) {
    Object.assign(this, changes);
    this.draw();
    this.onChange();
  }

  /** Whether a run is shown. */
  keeps(run, now_us) {
    return STANDINGS[this.standing].keeps(run, now_us)
      && (this.band === "" || BANDS[run.band] === this.band)
      && (this.workload === "" || run.workload === this.workload || run.workload.startsWith(`${this.workload}@`))
      && (this.words === "" || text(run).includes(this.words.toLowerCase()));
  }

  get isOpen() {
    return this.standing === "All" && this.band === "" && this.words === "" && (this.fixed || this.workload === "");
  }

  /** The question for earlier runs that would be shown, as a query of `/v1/runs`. */
  question(limit, cursor = "") {
    const asked = { limit, cursor, kind: this.standing === "Measuring" ? "profile" : "run", state: STANDINGS[this.standing].asks, priority: this.band, workload: this.workload };
    return new URLSearchParams(Object.entries(asked).filter(([, value]) => value !== "")).toString();
  }

  /** Offer the workloads that are known. */
  offer(workloads) {
    this.workloads = workloads;
    this.draw();
  }

  draw() {
    refill(this.container, [this.standing, this.band, this.workload, this.workloads], () => [
      h("div", { class: "group", role: "group", "aria-label": "Outcome" }, Object.keys(STANDINGS).map((name) =>
        h("button", { type: "button", "aria-pressed": String(this.standing === name), onclick: () => this.change({ standing: name }) }, name))),
      select("Priority", this.band, BANDS, (band) => this.change({ band })),
      this.fixed ? null : select("Workload", this.workload, this.workloads, (workload) => this.change({ workload })),
    ]);
  }
}

function select(label, chosen, values, onChange) {
  const option = (value, words) => h("option", { value, selected: chosen === value ? "selected" : null }, words);
  return h("select", { "aria-label": label, "data-key": label, onchange: (event) => onChange(event.target.value) },
    option("", `${label}: any`), values.map((value) => option(value, value)));
}

function text(run) {
  return [run.run, run.workload, standing(run), reason(run.reason), run.detail].join(" ").toLowerCase();
}
