/** What each operator of a stage's model takes, on every machine where the run was. */

import { empty, h, row, table } from "../base/dom.js";
import { duration, fixed, plural } from "../base/format.js";

const COLUMNS = [
  ["Operator", "lead"], ["Kernel", "nowrap"], ["Time (µs)", "num"], ["Share (%)", "num"], ["Arithmetic (Mflop)", "num"], ["Traffic (kB)", "num"], ["Roofline (µs)", "num"],
];
/** Functions are Python of our own: there is nothing inside to measure. */
const FUNCTION_PROVIDER = "python";

/** Buttons for the stages that run a model, and below them the operators of the one that is open. */
export function operatorsPart(operations, inside, onStage) {
  const models = (operations ?? []).filter(({ provider }) => provider && provider !== FUNCTION_PROVIDER);
  const stages = [...new Set(models.map(({ stage }) => stage))];
  if (stages.length === 0) return null;
  const buttons = stages.map((stage) => h("button", {
    type: "button", "aria-pressed": String(inside?.stage === stage), "data-key": stage, onclick: () => onStage(stage),
  }, stage));
  return h("div", { class: "operators", "data-testid": "operators" },
    h("div", { class: "tools" }, h("h3", {}, "Operators of"), h("div", { class: "group" }, buttons)),
    inside ? content(inside) : null);
}

function content({ stage, answer, problem }) {
  if (problem) return empty(`Nothing to show of ${stage}.`, ...typed(problem));
  if (!answer) return h("p", { class: "note" }, "Reading its operators …");
  return answer.profiles.map(place);
}

function place({ profile, p50_us, roofline_us, operators, note }) {
  const shapes = Object.entries(profile.shapes).map(([name, shape]) => `${name}=${shape.join(",")}`).join(" ");
  const facts = [plural(operators.length, "operator"), `p50 ${duration(p50_us)}`, `roofline ${duration(roofline_us)}`, `at ${shapes || "no inputs"}`];
  const notes = [profile.operators_note, note].filter(Boolean);
  const longestFirst = [...operators].sort((a, b) => b.kernel_us - a.kernel_us);
  return h("div", {},
    h("h3", {}, `${profile.machine} with ${profile.provider}: ${facts.join(", ")}`),
    ...notes.map((words) => h("p", { class: "note" }, ...typed(words))),
    operators.length > 0 ? h("div", { class: "scroll" }, table(COLUMNS, longestFirst.map(operatorRow))) : null);
}

function operatorRow({ name, op_type, nodes, kernel_us, share, flops, moved_bytes, roofline_us }) {
  const fused = nodes.length > 1 ? h("span", { class: "note" }, `does ${plural(nodes.length, "node")}: ${nodes.join(", ")}`) : "";
  return row(COLUMNS, [
    h("span", {}, h("span", { class: "mono" }, name), fused), op_type, fixed(kernel_us, 1), fixed(100 * share, 1),
    fixed(scaled(flops, 1e6), 2), fixed(scaled(moved_bytes, 1e3), 1), fixed(roofline_us, 1),
  ]);
}

/** A quantity in a larger unit; what is not counted stays null. */
function scaled(value, unit) {
  return value === null ? null : value / unit;
}

/** Words of the service, with what is to be typed at their end as such. */
function typed(words) {
  const at = words.indexOf("fjord profile ");
  return at < 0 ? [words] : [words.slice(0, at), h("code", {}, words.slice(at))];
}
