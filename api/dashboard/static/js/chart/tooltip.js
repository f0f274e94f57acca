/** What a bar says when the pointer is over it. */

import { fill, h } from "../base/dom.js";
import { deviation, duration, span } from "../base/format.js";
import { BANDS, label, outcome, state as stateWords } from "../base/words.js";

export class Tooltip {
  constructor(parent) {
    this.element = h("div", { class: "tip", hidden: true, "data-testid": "tip", "aria-hidden": "true" });
    parent.append(this.element);
  }

  hide() {
    this.element.hidden = true;
  }

  /** Show a bar's facts next to a point of the window. */
  show(bar, at_x, at_y) {
    fill(this.element, h("strong", {}, label(bar)), ` ${bar.run}`, h("dl", {}, facts(bar).flatMap(pair)));
    this.element.hidden = false;
    const box = this.element.getBoundingClientRect();
    const x = Math.min(at_x + 14, innerWidth - box.width - 8);
    const below = at_y + 18 + box.height < innerHeight;
    const y = below ? at_y + 18 : Math.max(8, at_y - box.height - 14);
    this.element.style.transform = `translate(${Math.max(8, x)}px, ${y}px)`;
  }
}

function pair([term, text]) {
  return [h("dt", {}, term), h("dd", {}, text)];
}

function facts(bar) {
  const predicted = span(bar.planned_start_us, bar.planned_end_us);
  const actual = span(bar.started_us, bar.ended_us);
  const found = [["state", stateWords(bar.state)[0]]];
  if (bar.machine) found.push(["runs on", [bar.machine, bar.provider].filter(Boolean).join(" · ")]);
  if (predicted !== null) found.push(["predicted", duration(predicted)]);
  if (actual !== null) found.push(["actual", [duration(actual), deviation(actual, predicted)].filter(Boolean).join("  ")]);
  const late_us = bar.started_us !== null && bar.planned_start_us !== null ? bar.started_us - bar.planned_start_us : 0;
  if (late_us > 1000) found.push(["started", `${duration(late_us)} after plan`]);
  if (bar.transfer_us > 0) found.push(["transfer", duration(bar.transfer_us)]);
  if (bar.load_us > 0) found.push(["session", `${duration(bar.load_us)} to load, predicted`]);
  found.push(["priority", BANDS[bar.band]]);
  for (const failure of bar.failures) found.push([`attempt ${failure.attempt}`, outcome(failure)]);
  return found;
}
