/** The list of models, and what was measured of each on each machine. */

import { h } from "../base/dom.js";
import { ModelList } from "../site/model_list.js";
import { Profiles } from "../site/profiles.js";

export class ModelsPage {
  constructor(element, state, library) {
    const panel = (title, note, name) => {
      const list = h("div", {});
      element.append(h("section", { class: "panel", "aria-labelledby": name },
        h("div", { class: "panel-head" }, h("h2", { id: name }, title), h("span", { class: "note" }, note)), list));
      return list;
    };
    this.parts = [
      new ModelList(panel("Models", "", "models-title"), library),
      new Profiles(panel("Profiles", "measured on each machine, checked against the CPU", "profiles-title"), state, library),
    ];
  }

  draw() {
    for (const part of this.parts) part.draw();
  }
}
