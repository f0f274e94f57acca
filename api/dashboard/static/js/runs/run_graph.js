/** The stages of a run as a graph, each with where it stands and the time it took. */

import { duration } from "../base/format.js";
import { state as stateWords } from "../base/words.js";
import { dag } from "./dag.js";

/** The first of these that an operation of a stage is in speaks for the stage. */
const TELLING = ["failed", "running", "dispatched", "waiting", "expected", "cancelled", "done"];

/** The graph of a run's operations; `onOperation` gets one of the stage that is chosen. */
export function runGraph(operations, selection, onOperation) {
  const stages = new Map();
  for (const operation of [...operations].sort((a, b) => a.order - b.order)) {
    stages.set(operation.stage, [...(stages.get(operation.stage) ?? []), operation]);
  }
  const nodes = [...stages].map(([name, members]) => node(name, members, selection));
  return dag(nodes, edges(operations), (name) => onOperation(telling(stages.get(name)).operation));
}

function edges(operations) {
  const stageOf = new Map(operations.map(({ operation, stage }) => [operation, stage]));
  const found = operations.flatMap(({ stage, waits_for }) => waits_for.map((id) => `${stageOf.get(id) ?? ""}\n${stage}`));
  return [...new Set(found)].map((pair) => pair.split("\n")).filter(([from]) => from !== "");
}

function telling(members) {
  return [...members].sort((a, b) => TELLING.indexOf(a.state) - TELLING.indexOf(b.state))[0];
}

function node(name, members, selection) {
  const { state } = telling(members);
  const done = members.filter((member) => member.state === "done").length;
  const [word] = stateWords(state);
  const counted = members.length > 1 ? `${done} of ${members.length} done` : word;
  const picked = selection?.kind === "operation" && members.some(({ operation }) => operation === selection.id);
  return { name, state, picked, tone: `state-${state}`, lines: [members[0].work, [counted, time(members)].filter(Boolean).join(" · ")] };
}

/** From the first start to the last end, or to what is planned. */
function time(members) {
  const started = members.map(({ started_us }) => started_us).filter((at) => at !== null);
  if (members.every(({ ended_us }) => ended_us !== null) && started.length > 0) {
    return duration(Math.max(...members.map(({ ended_us }) => ended_us)) - Math.min(...started));
  }
  const planned = members.filter(({ planned_start_us }) => planned_start_us !== null);
  if (planned.length === 0) return "";
  const [from_us, to_us] = [Math.min(...planned.map((each) => each.planned_start_us)), Math.max(...planned.map((each) => each.planned_end_us))];
  return `planned ${duration(to_us - from_us)}`;
}
