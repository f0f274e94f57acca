/** What was measured of each model on each machine, and what was refused. */

import { chip, empty, h, refill, row, table } from "./dom.js";
import { bytes, duration, percent, quantile, small } from "./format.js";
import { get } from "./http.js";
import { verdict } from "./words.js";

const COLUMNS = [
  ["Model", "lead nowrap"], ["Machine", "nowrap"], ["Provider", "nowrap"], ["Verdict", "rest"], ["p50", "num"], ["p95", "num"],
  ["Load", "num"], ["Memory", "num"], ["Coverage", "num"], ["Error", "num"],
];

export class Profiles {
  constructor(container, state) {
    this.container = container;
    this.state = state;
    this.names = new Map();
    this.asked = new Set();
  }

  draw() {
    const { view } = this.state;
    if (!view) return;
    this.learnNames(view.profiles);
    refill(this.container, [view.profiles, [...this.names]], () => this.make(view.profiles));
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
    return this.names.get(digest) ?? digest.slice(0, 12);
  }

  row(profile) {
    const good = profile.verdict === "usable";
    const known = profile.samples_us.length > 0;
    return row(COLUMNS, [
      h("span", { title: profile.digest }, this.name(profile.digest)),
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

  /** Profiles know models by their digest; ask once for the names of new ones. */
  async learnNames(profiles) {
    const unknown = profiles.filter(({ digest }) => !this.asked.has(digest));
    if (unknown.length === 0) return;
    for (const { digest } of unknown) this.asked.add(digest);
    try {
      const { models } = await get("v1/models");
      for (const model of models) this.names.set(model.digest, model.name);
      this.draw();
    } catch {
      // Without names the digests say enough.
    }
  }
}
