/** Shows the page that the address names: the site, or one of workloads and models. */

import { fill, h, put } from "../base/dom.js";
import { ModelPage } from "./model.js";
import { ModelsPage } from "./models.js";
import { WorkloadPage } from "./workload.js";
import { WorkloadsPage } from "./workloads.js";

const PAGES = { workloads: WorkloadsPage, workload: WorkloadPage, models: ModelsPage, model: ModelPage };
/** The tab under which each page stands. */
const TABS = { workload: "workloads", model: "models" };

export class Pages {
  constructor(site, other, links, state, library, handlers) {
    Object.assign(this, { site, other, links, state, library, handlers });
    this.shown = "";
    this.current = null;
  }

  /** Go to a page; the same page stays as it is. */
  show({ page, of }) {
    if (this.shown === `${page} ${of}`) return;
    const moved = this.shown !== "";
    this.shown = `${page} ${of}`;
    const Made = PAGES[page];
    this.site.hidden = Boolean(Made);
    this.other.hidden = !Made;
    const element = h("div", { class: "page" });
    fill(this.other, element);
    this.current = Made ? new Made(element, this.state, this.library, this.handlers, of) : null;
    for (const link of this.links) put(link, "aria-current", link.dataset.page === (TABS[page] ?? (Made ? page : "site")) ? "page" : null);
    if (moved) scrollTo(0, 0);
    this.draw();
  }

  draw() {
    if (this.state.view) this.current?.draw();
  }
}
