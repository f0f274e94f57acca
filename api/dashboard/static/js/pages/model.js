/** A model: its inputs and outputs, the workloads that use it, and what was measured of it. */

import { empty, h, refill } from "../base/dom.js";
import { bytes, clock } from "../base/format.js";
import { strip } from "./pieces.js";
import { linksTo, usersOf } from "../site/model_list.js";
import { Profiles } from "../site/profiles.js";

export class ModelPage {
  constructor(element, state, library, _handlers, of) {
    this.library = library;
    this.of = of;
    this.about = h("section", { class: "panel", "aria-label": "About the model", "data-testid": "model-page" });
    const list = h("div", {});
    element.append(this.about, h("section", { class: "panel", "aria-labelledby": "profiles-title" },
      h("div", { class: "panel-head" }, h("h2", { id: "profiles-title" }, "Profiles"), h("span", { class: "note" }, "measured on each machine, checked against the CPU")), list));
    this.profiles = new Profiles(list, state, library, of);
  }

  draw() {
    const { models, workloads } = this.library;
    const model = models?.find(({ name }) => name === this.of) ?? null;
    refill(this.about, [model, models === null, workloads?.length], () => {
      if (model === null) return models === null ? h("p", { class: "hint" }, "Reading the model …") : empty("There is no such model.", this.of);
      return [
        h("div", { class: "panel-head" }, h("h2", {}, "Model ", h("span", { class: "mono" }, model.name))),
        h("dl", { class: "facts page-facts" }, facts(model, usersOf(model.name, workloads ?? [])).flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)])),
        (model.partitions ?? []).map(strip),
      ];
    });
    this.profiles.draw();
  }
}

function facts(model, users) {
  const tensor = ({ name, dtype, shape }) => h("div", {}, h("span", { class: "mono" }, name), ` ${dtype} ${shape ? `[${shape.join(", ")}]` : "any shape"}`);
  const measured = Object.entries(model.profile_shapes ?? {}).map(([name, shape]) => `${name}=${shape.join(",")}`).join(" ");
  return [
    ["Inputs", h("div", {}, (model.inputs ?? []).map(tensor))],
    ["Outputs", h("div", {}, (model.outputs ?? []).map(tensor))],
    ["Measured at", measured || "the shapes of the file"],
    ["Size", bytes(model.size_bytes)],
    ["Uploaded", clock(model.created_us)],
    ["Digest", h("span", { class: "mono" }, model.digest)],
    ["Used by", h("span", {}, linksTo(users))],
  ];
}
