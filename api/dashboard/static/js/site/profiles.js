/** Profiles of models on machines: times, memory, and the verdict with its reason. */

import { format } from "../base/address.js";
import { chip, empty, h, refill, row, table } from "../base/dom.js";
import { wholeOf } from "../base/library.js";
import { bytes, duration, percent, quantile, small } from "../base/format.js";
import { verdict } from "../base/words.js";

const COLUMNS = [
  ["Model", "lead nowrap"], ["Machine", "nowrap"], ["Provider", "nowrap"], ["Verdict", "rest"], ["p50", "num"], ["p95", "num"],
  ["Load", "num"], ["Memory", "num"], ["Coverage", "num"], ["Error", "num"],
];

export class Profiles {
  /** Of one model, or of all where `model` is empty. */
  constructor(container, state, library, model = "") {
    this.container = container;
    this.state = state;
    this.library = library;
    this.model = model;
  }

  draw() {
    const { view } = this.state;
    if (!view) return;
    const profiles = view.profiles.filter(({ digest }) => !this.model || wholeOf(this.name(digest)) === this.model);
    refill(this.container, [profiles, profiles.map(({ digest }) => this.name(digest))], () => this.make(profiles));
  }

  make(profiles) {
    if (profiles.length === 0) {
      return empty("No model has been measured.", "Upload one and every machine measures it: ", h("code", {}, "fjord models upload FILE.onnx"));
    }
    const rows = [...profiles].sort((a, b) => this.order(a).localeCompare(this.order(b), "en", { numeric: true }));
    return h("div", { class: "scroll" }, table(COLUMNS, rows.map((profile) => this.row(profile)), { "data-testid": "profiles" }));
  }

  order(profile) {
    return `${this.name(profile.digest)} ${profile.machine} ${profile.provider}`;
  }

  name(digest) {
    return this.library.nameOf(digest);
  }

  row(profile) {
    const good = profile.verdict === "usable";
    const known = profile.samples_us.length > 0;
    return row(COLUMNS, [
      h("a", { href: format({ page: "model", of: wholeOf(this.name(profile.digest)) }), title: profile.digest }, this.name(profile.digest)),
      profile.machine,
      profile.provider,
      h("span", {}, chip([verdict(profile.verdict), good ? "good" : "bad"]), profile.reason ? h("span", { class: "note" }, profile.reason) : ""),
      duration(quantile(profile.samples_us, 0.5)),
      duration(quantile(profile.samples_us, 0.95)),
      known ? duration(profile.load_us) : "–",
      bytes(profile.peak_bytes),
      known ? percent(profile.coverage) : "–",
      known ? small(profile.error) : "–",
    ]);
  }
}
