/** Models: name, size, and the workloads that use each. */

import { format } from "../base/address.js";
import { empty, h, refill, row, table } from "../base/dom.js";
import { bytes, clock } from "../base/format.js";
import { wholeOf } from "../base/library.js";

const COLUMNS = [["Model", "lead nowrap"], ["Size", "num"], ["Uploaded", "nowrap"], ["Usable on", "num"], ["Used by", "rest"]];

export class ModelList {
  constructor(container, library) {
    this.container = container;
    this.library = library;
  }

  draw() {
    const { models, workloads } = this.library;
    if (models === null) return;
    refill(this.container, [models, workloads?.length], () => models.length === 0
      ? empty("No model has been uploaded.", "Upload one and every machine measures it: ", h("code", {}, "fjord models upload FILE.onnx"))
      : h("div", { class: "scroll" }, table(COLUMNS, models.map((model) => line(model, usersOf(model.name, workloads ?? []))), { "data-testid": "models" })));
  }
}

/** Keys of the workloads that have a stage with a model. */
export function usersOf(model, workloads) {
  const uses = ({ kind, target }) => kind === "model" && wholeOf(target) === model;
  return workloads.filter(({ workload }) => workload.stages.some(uses)).map(({ name, version }) => `${name}@${version}`);
}

/** Links to workloads. */
export function linksTo(workloads) {
  return workloads.length === 0 ? "–" : workloads.flatMap((key, i) => [i > 0 ? ", " : "", h("a", { href: format({ page: "workload", of: key }) }, key)]);
}

function line(model, users) {
  const usable = (model.profiles ?? []).filter(({ verdict }) => verdict === "usable").length;
  return row(COLUMNS, [
    h("a", { href: format({ page: "model", of: model.name }) }, model.name), bytes(model.size_bytes), clock(model.created_us),
    `${usable} of ${(model.profiles ?? []).length}`, h("span", {}, linksTo(users)),
  ], { "data-key": model.name });
}
