/** The closed sets of the service, in words: bands, states, reasons, verdicts, classes. */

/** Indexed by the number of the band. */
export const BANDS = ["critical", "high", "normal", "background"];

const REASONS = {
  // Why a candidate was not chosen, or why work waits.
  later_finish: "would finish later",
  same_finish: "would finish at the same time",
  worse_plan: "earlier by itself, but the plan as a whole would be longer",
  not_profiled: "the model has not been measured there yet",
  after_devices: "a simulator is measured after the devices of its box",
  beside_critical: "nothing is measured on a box where a critical run has work",
  refused: "the provider failed the check for this model",
  provider_unusable: "the provider cannot be used there",
  forbidden: "the submitter forbade it",
  not_allowed: "not among the machines the submitter allowed",
  machine_down: "the machine is down",
  suspected: "the work there is overdue, and the machine is silent",
  draining: "the machine takes nothing new",
  failed_before: "an earlier attempt failed there",
  no_function: "the machine does not have that function",
  pinned_elsewhere: "already sent to another agent",
  out_of_memory: "not enough memory",
  not_connected: "no link leads there",
  no_machine: "no machine that could run it has joined",
  waits_for_input: "waits for its input",
  waits_for_machine: "waits for a free machine",
  kept_free: "the machine is kept free for a more urgent run that is expected",
  // Why an operation or a run ended without a result.
  error: "the model or function raised an error",
  worker_crashed: "the worker process crashed",
  timeout: "ran far longer than predicted and was stopped",
  out_of_space: "no space left for tensors",
  input_lost: "an input tensor is gone",
  provider_refused: "the provider fell back or gave wrong results",
  unplaceable: "no machine of the site can take it, and none came that can",
  agent_lost: "the agent went silent",
  deadline: "its deadline passed",
  cancelled: "cancelled",
  invalid: "cannot be run at all",
};

const CAUSES = {
  lower_work: "less urgent work ran there",
  stop: "less urgent work was stopping",
  restart: "the worker was started again",
  other_work: "other work, as urgent or more, went first",
  own_work: "its own other operations went first",
  transfer: "inputs came from another box",
  worker: "its worker had not begun",
  session: "the session was made",
  kept_free: "the machine was kept free for a more urgent run",
  no_machine: "no machine was there that could run it",
  retry: "attempts that failed or gave way",
  controller: "it was being planned, or word of that was on its way",
  forgotten: "longer ago than is remembered",
};

const VERDICTS = {
  usable: "usable",
  not_installed: "not installed",
  no_device: "no such device here",
  not_needed: "not needed here",
  failed: "failed",
  fell_back: "fell back to another provider",
  wrong: "wrong results",
  unsupported: "declines the model",
};

const PROVENANCES = {
  measured: "measured here",
  learned: "learned from other measurements",
  roofline: "estimated from the hardware's peaks",
  declared: "declared by the function",
  assumed: "assumed: nothing is known yet",
};

const STATES = {
  up: ["up", "good"],
  suspected: ["not answering", "warn"],
  restarting: ["restarting", "warn"],
  down: ["down", "bad"],
  draining: ["draining", "warn"],
  lost: ["lost", "bad"],
  expected: ["expected", ""],
  waiting: ["waiting", ""],
  dispatched: ["sent", ""],
  queued: ["queued", ""],
  running: ["running", "busy"],
  done: ["done", "good"],
  finished: ["finished", "good"],
  failed: ["failed", "bad"],
  cancelled: ["cancelled", "warn"],
  dropped: ["dropped", "bad"],
};

/** A reason as a clause; a word that is new to the dashboard is shown as it came. */
export function reason(name) {
  if (!name) return "";
  return REASONS[name] ?? VERDICTS[name] ?? name.replaceAll("_", " ");
}

/** An attempt that did not succeed, as a clause. */
export function outcome(failure) {
  return failure.gave_way_to ? `gave way to ${failure.gave_way_to}` : reason(failure.reason);
}

/** What a run or an operation waited for, as a clause. */
export function cause(name) {
  return CAUSES[name] ?? name.replaceAll("_", " ");
}

/** What a verdict says. */
export function verdict(name) {
  return VERDICTS[name] ?? name;
}

/** Where a prediction comes from. */
export function provenance(name) {
  return PROVENANCES[name] ?? name.replaceAll("_", " ");
}

/** The word for a state and its tone (`good`, `warn`, `bad`, `busy` or none). */
export function state(name) {
  return STATES[name] ?? [name, ""];
}

/** The name of a band's colour; measuring runs are grey whatever their band. */
export function tone(operation) {
  return isProfile(operation) ? "profile" : BANDS[operation.band];
}

/** Whether an operation measures a model. */
function isProfile(operation) {
  return operation.run.startsWith("p-");
}

/** The stage of an operation, with its item in a fan-out; of a measurement, what it measures. */
export function label(operation) {
  if (isProfile(operation)) return `${operation.work} (${operation.provider})`;
  return operation.item === null ? operation.stage : `${operation.stage}[${operation.item}]`;
}

/** The lane of a machine id, without its agent. */
export function lane(machine) {
  return machine.slice(machine.indexOf("/") + 1);
}
