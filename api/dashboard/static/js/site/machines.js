/** Machines: how busy, what they are, which providers can be used and why others cannot. */

import { chip, empty, h, put, refill, write } from "../base/dom.js";
import { bytes, percent, plural } from "../base/format.js";
import { byAgent } from "../base/machines.js";
import { lane, state as stateWords, verdict } from "../base/words.js";

const CLASSES = { cpu: "CPU", gpu: "GPU", npu: "NPU", dsp: "DSP" };

export class Machines {
  constructor(container, state) {
    this.container = container;
    this.state = state;
  }

  draw() {
    const { view } = this.state;
    if (!view) return;
    const still = view.machines.map(({ report, agent, box, state, reason }) => [report, agent, box, state, reason]);
    refill(this.container, still, () => this.make(view));
    const shares = this.state.utilisation();
    for (const machine of view.machines) this.update(machine, shares.get(machine.report.id) ?? 0);
  }

  make(view) {
    if (view.machines.length === 0) {
      return empty("No machine has joined.", "Start one with: ", h("code", {}, `fjord agent --server ${location.origin}`));
    }
    return byAgent(view.machines).map((group) => h("div", {},
      h("h3", { class: "agent" }, `${group.agent}`, h("span", { class: "note" }, [group.box !== group.agent && `on ${group.box}`, plural(group.machines.length, "machine")].filter(Boolean).join(" · "))),
      h("ul", {}, group.machines.map(item)),
      notices(group.machines).map(notice)));
  }

  update(machine, share) {
    const element = this.container.querySelector(`[data-machine="${CSS.escape(machine.report.id)}"]`);
    const total = machine.since_us ? machine.busy_us / Math.max(1, this.state.view.at_us - machine.since_us) : null;
    element.querySelector("i").style.width = `${100 * share}%`;
    write(element.querySelector("b"), percent(share));
    write(element.querySelector(".total"), ` · ${percent(total === null ? null : Math.min(1, total))}`);
    put(element, "aria-label", `${machine.report.id}: busy ${percent(share)} lately`);
  }
}

function item(machine) {
  const { report } = machine;
  const usable = report.providers.filter((provider) => provider.verdict === "usable");
  return h("li", { class: ["machine", !["up", "suspected", "restarting"].includes(machine.state) && "down"], "data-machine": report.id, "data-testid": "machine" },
    h("span", { class: "name" }, lane(report.id)),
    h("div", { class: "meter" }, h("i", {})),
    h("span", { class: "share" }, h("b", {}), h("span", { class: "total" })),
    h("div", { class: "about" },
      machine.state === "up" ? null : chip(stateWords(machine.state), machine.reason),
      chip([CLASSES[report.device_class] ?? report.device_class, ""]),
      report.cores.length > 0 && h("span", {}, `${report.cores.length === 1 ? "core" : "cores"} ${report.cores.join(", ")}`),
      report.memory_bytes > 0 && h("span", {}, bytes(report.memory_bytes)),
      report.functions.length > 0 && h("span", { title: report.functions.join(", ") }, plural(report.functions.length, "function")),
      usable.map(provider)),
    machine.reason && h("p", { class: "why-not" }, machine.reason));
}

/** Providers that cannot be used: the same of several machines of a box is said once. */
function notices(machines) {
  const found = new Map();
  for (const { report } of machines) {
    for (const { provider: name, verdict: said, reason } of report.providers.filter((each) => each.verdict !== "usable")) {
      const key = [name, said, reason].join("\n");
      const known = found.get(key) ?? { name, said, reason, lanes: [] };
      known.lanes.push(lane(report.id));
      found.set(key, known);
    }
  }
  return [...found.values()].map((each) => ({ ...each, everywhere: each.lanes.length === machines.length }));
}

function notice({ name, said, reason, lanes, everywhere }) {
  const where = everywhere ? "" : ` (on ${lanes.join(", ")})`;
  return h("p", { class: "notice", "data-testid": "notice" }, h("b", {}, name), ` is not used${where}: ${verdict(said)}${reason ? `. ${reason}` : ""}`);
}

function provider(found) {
  const words = [`✓ ${found.provider}`, found.simulated && "(simulated)"].filter(Boolean).join(" ");
  const title = [found.version && `version ${found.version}`, found.simulated && "its times say nothing about real hardware",
    found.terminates ? "a running inference can be stopped" : "stopping an inference ends the worker"].filter(Boolean).join("; ");
  return chip([words, "good"], title);
}
