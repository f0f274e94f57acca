/** Words beside the chart: commands to type while it is empty, and the age of a still picture. */

import { empty, fill, h, write } from "../base/dom.js";
import { ago } from "../base/format.js";

const LESSONS = {
  bare: () => empty("No machine has joined.", "Start an agent on any box that can reach this service:", h("br"), h("code", {}, `fjord agent --server ${location.origin}`)),
  quiet: () => empty("The machines are idle.", "Submit a run and its operations appear here, planned and actual: ", h("br"), h("code", {}, "fjord demo")),
  "": () => "",
};

export class Lessons {
  constructor(element, note) {
    this.element = element;
    this.note = note;
    this.taught = null;
  }

  /** Show what to do next: `bare` without machines, `quiet` without work, else nothing. */
  teach(lesson) {
    if (this.taught === lesson) return;
    this.taught = lesson;
    fill(this.element, LESSONS[lesson]());
  }

  /** Say how old a still picture is. */
  remark(state, now_us) {
    const ended = [...state.bars.values()].map((bar) => bar.ended_us ?? 0);
    write(this.note, state.active || ended.length === 0 ? "" : `idle, last work ended ${ago(Math.max(...ended), now_us)}`);
  }
}
