/** The panel at the side: why an operation is where it is, or all about one run. */

import { empty, refill } from "../base/dom.js";
import { get } from "../base/http.js";
import { describeRun } from "./run_details.js";
import { explain } from "./why.js";

export class Details {
  constructor(aside, state, handlers) {
    this.aside = aside;
    this.container = aside.body;
    this.state = state;
    this.handlers = handlers;
    this.fetched = new Map();
    this.expanded = null;
    this.inside = null;
  }

  draw() {
    const { selection } = this.state;
    this.aside.show(selection !== null, selection?.id);
    if (selection?.kind === "operation") this.drawOperation(selection.id);
    else if (selection) this.drawRun(selection.id);
  }

  drawOperation(id) {
    const run = id.slice(0, id.indexOf("/"));
    const shown = this.state.bars.get(id);
    // A view may leave candidates out to stay small; the run's own record has them.
    if (!shown || shown.candidates.length === 0) this.learn(run, shown?.state ?? "");
    const known = this.fetched.get(run)?.record?.operations.find(({ operation }) => operation === id);
    const bar = shown && (shown.candidates.length > 0 || !known) ? shown : known;
    if (!bar) {
      refill(this.container, ["absent", id], () => empty("This operation is not known any more.", id));
      return;
    }
    const merged = shown && known ? { ...shown, waited: known.waited ?? {}, candidates: shown.candidates.length > 0 ? shown.candidates : known.candidates } : bar;
    refill(this.container, ["operation", merged, this.expanded === id], () => explain(merged, {
      onRun: (name) => this.handlers.onSelect("run", name),
      expanded: this.expanded === id,
      onExpand: () => { this.expanded = id; this.draw(); },
    }));
  }

  drawRun(id) {
    const shown = this.state.runs.get(id);
    this.learn(id, shown ? [shown.state, this.progress(id)].join() : "");
    const record = this.fetched.get(id)?.record ?? null;
    const run = shown ?? record;
    if (!run) {
      refill(this.container, ["absent", id], () => empty("This run is not known any more.", id));
      return;
    }
    const operations = record?.operations.map((operation) => this.state.bars.get(operation.operation) ?? operation) ?? null;
    const inside = this.inside?.run === id ? this.inside : null;
    // Of a run that has not ended only its own record says what it has waited for.
    const waited = run.ended_us === null ? (record?.waited ?? {}) : run.waited;
    const now_us = this.state.now();
    const expanded = this.expanded === id;
    const second = run.ended_us === null && Math.floor(now_us / 1e6);
    refill(this.container, ["run", run, operations, inside, waited, expanded, second], () => describeRun({ ...run, waited }, operations, now_us, {
      expanded,
      onExpand: () => { this.expanded = id; this.draw(); },
      selection: this.state.selection,
      inside,
      onOperation: (name) => this.handlers.onSelect("operation", name),
      onStage: (stage) => this.look(id, stage),
      onCancel: this.handlers.onCancel,
      onError: this.handlers.onError,
    }));
  }

  /** Open or close the operators of a stage; they are read anew whenever they are opened. */
  async look(run, stage) {
    const isOpen = this.inside?.run === run && this.inside.stage === stage;
    const asked = isOpen ? null : { run, stage, answer: null, problem: "" };
    this.inside = asked;
    this.draw();
    if (!asked) return;
    try {
      asked.answer = await get(`v1/runs/${encodeURIComponent(run)}/operators?stage=${encodeURIComponent(stage)}`);
    } catch (error) {
      asked.problem = error.message;
    }
    this.draw();
  }

  /** What the view says of a run's operations: when it changes, the run's record is read again. */
  progress(id) {
    let known = 0;
    let ended = 0;
    for (const bar of this.state.bars.values()) {
      if (bar.run !== id) continue;
      known += 1;
      if (bar.ended_us !== null) ended += 1;
    }
    return `${known}/${ended}`;
  }

  /** Read a run's record unless it was read at this stage already. */
  async learn(run, stage) {
    const before = this.fetched.get(run);
    if (before?.stage === stage || before?.pending) return;
    this.fetched.set(run, { ...before, stage, pending: true });
    let record = before?.record ?? null;
    try {
      record = await get(`v1/runs/${encodeURIComponent(run)}`);
    } catch (error) {
      if (error.status !== 404) this.handlers.onError(error);
    }
    this.fetched.set(run, { stage, record });
    this.draw();
  }
}
