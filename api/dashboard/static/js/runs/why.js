/** Why an operation is where it is: a sentence, the facts, every candidate, what failed before. */

import { chip, h, row, table } from "../base/dom.js";
import { clock, deviation, difference, duration, plural, span } from "../base/format.js";
import { BANDS, cause, label, outcome, provenance, reason, state as stateWords } from "../base/words.js";

const COLUMNS = [["Machine", "lead nowrap"], ["Provider", "nowrap"], ["Variant", "nowrap"], ["Predicted finish", "num"], ["Why", "rest"]];
const MOST_CANDIDATES = 12;

/** The content of the details panel for an operation. */
export function explain(bar, { onRun, expanded, onExpand }) {
  return [
    h("div", { class: "panel-head", "data-key": bar.operation },
      h("h2", {}, `Why here: ${label(bar)}`),
      chip(stateWords(bar.state)),
      h("button", { class: "link", type: "button", onclick: () => onRun(bar.run) }, bar.run)),
    h("div", { class: "details-body why", "data-testid": "why" },
      h("dl", { class: "facts" }, facts(bar).flatMap(([term, text]) => [h("dt", {}, term), h("dd", {}, text)])),
      h("div", {},
        h("p", { class: "why-sentence", "data-testid": "why-sentence" }, sentence(bar)),
        story(bar),
        candidates(bar, expanded, onExpand))),
  ];
}

/** The decision in one sentence. */
export function sentence(bar) {
  const chosen = bar.candidates.find((candidate) => candidate.reason === null);
  const others = bar.candidates.filter((candidate) => candidate.finish_us !== null && candidate.reason !== null);
  if (!chosen && bar.candidates.length === 0) return waiting(bar);
  if (!chosen) return `No candidate can take it now: ${tally(bar.candidates)}.`;
  const place = `Placed on ${chosen.machine} with ${chosen.provider}`;
  if (bar.machine && (bar.machine !== chosen.machine || bar.provider !== chosen.provider)) {
    return `${place} at first; a later plan moved it to ${bar.machine} with ${bar.provider}.`;
  }
  if (bar.candidates.length === 1) return `${place}: there was no other candidate.`;
  if (others.length === 0) return `${place}, the only one that could take it (${tally(bar.candidates)}).`;
  const next = others.reduce((a, b) => (a.finish_us <= b.finish_us ? a : b));
  const lead_us = next.finish_us - (chosen.finish_us ?? next.finish_us);
  const compared = `${next.machine} with ${next.provider}`;
  if (lead_us > 0) return `${place}, where it finishes first: ${duration(lead_us)} before ${compared}.`;
  return lead_us === 0 ? `${place}; ${compared} would finish at the same time.`
    : `${place}: ${compared} alone would finish ${duration(-lead_us)} earlier, but the plan as a whole is shorter this way.`;
}

function waiting(bar) {
  if (bar.waits_for.length === 0) return "Nothing has been decided for it yet.";
  return `Not placed yet: it needs ${plural(bar.waits_for.length, "operation")} before it.`;
}

/** Reasons with how often each occurs: `3 × is down, 1 × forbidden`. */
function tally(refused) {
  const counts = new Map();
  for (const { reason: name } of refused) if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  return [...counts].map(([name, count]) => `${count} × ${reason(name)}`).join(", ");
}

function facts(bar) {
  const predicted = span(bar.planned_start_us, bar.planned_end_us);
  const actual = span(bar.started_us, bar.ended_us);
  const found = [
    ["runs", bar.work || bar.stage],
    ["on", bar.machine || "–"],
    ["provider", bar.provider || "–"],
    ["priority", BANDS[bar.band]],
    ["predicted", predicted === null ? "–" : `${duration(predicted)}, from ${clock(bar.planned_start_us, true)}`],
    ["actual", bar.started_us === null ? "–" : `${actual === null ? "since" : `${duration(actual)} (${deviation(actual, predicted) || "not predicted"}), from`} ${clock(bar.started_us, true)}`],
  ];
  if (bar.started_us !== null && bar.planned_start_us !== null) found.push(["start", against(bar.started_us - bar.planned_start_us)]);
  if (bar.provenance) found.push(["prediction", provenance(bar.provenance)]);
  if (bar.transfer_us > 0) found.push(["transfer", duration(bar.transfer_us)]);
  if (bar.load_us > 0) found.push(["session", `${duration(bar.load_us)} to load, predicted`]);
  const waited = Object.entries(bar.waited ?? {}).sort(([, a], [, b]) => b - a);
  if (waited.length > 0) found.push(["waited", waited.map(([name, us]) => `${duration(us)}: ${cause(name)}`).join("; ")]);
  if (bar.attempt > 1) found.push(["attempt", String(bar.attempt)]);
  if (bar.waits_for.length > 0) found.push(["needs", bar.waits_for.map((id) => id.slice(id.indexOf("/") + 1)).join(", ")]);
  return found;
}

/** A start compared with the plan. */
function against(us) {
  return us === 0 ? "as planned" : `${difference(us)} against plan`;
}

function story(bar) {
  if (bar.failures.length === 0) return null;
  const lines = bar.failures.map((failure) => h("li", {},
    `Attempt ${failure.attempt} on ${failure.machine} with ${failure.provider}: ${outcome(failure)}, at ${clock(failure.at_us, true)}`,
    failure.message && !failure.gave_way_to ? h("code", { class: "note" }, failure.message) : ""));
  return [h("h3", {}, "Earlier failures"), h("ol", { class: "story", "data-testid": "failures" }, lines)];
}

function candidates(bar, expanded, onExpand) {
  if (bar.candidates.length === 0) return null;
  const ordered = [...bar.candidates].sort((a, b) => rank(a) - rank(b));
  const finishes = ordered.map(({ finish_us }) => finish_us).filter((at) => at !== null);
  const scale = { first_us: Math.min(...finishes), last_us: Math.max(...finishes) };
  const shown = expanded ? ordered : ordered.slice(0, MOST_CANDIDATES);
  const more = ordered.length > shown.length && h("button", { class: "link", type: "button", onclick: onExpand }, `Show all ${ordered.length} candidates`);
  const columns = COLUMNS.filter(([title]) => title !== "Variant" || bar.candidates.some(({ variant }) => variant));
  const rows = shown.map((candidate) => candidateRow(columns, candidate, scale));
  return [h("h3", {}, "Candidates when it was placed"), table(columns, rows, { "data-testid": "candidates" }), more];
}

/** The chosen one first, then by predicted finish, then those that were refused outright. */
function rank(candidate) {
  if (candidate.reason === null) return -1;
  return candidate.finish_us ?? Infinity;
}

function candidateRow(columns, candidate, { first_us, last_us }) {
  const chosen = candidate.reason === null;
  const words = chosen ? "chosen" : reason(candidate.reason);
  const cells = {
    Machine: candidate.machine,
    Provider: candidate.provider,
    Variant: candidate.variant,
    "Predicted finish": finish(candidate, first_us, last_us),
    Why: candidate.detail ? `${words}: ${candidate.detail}` : words,
  };
  return row(columns, columns.map(([title]) => cells[title]), { class: chosen ? "chosen" : candidate.finish_us === null ? "refused" : null, "data-reason": candidate.reason ?? "chosen" });
}

/** A finish relative to the earliest: a little bar says how much later. */
function finish(candidate, first_us, last_us) {
  if (candidate.finish_us === null) return "–";
  const late_us = candidate.finish_us - first_us;
  const bar = h("i", { class: "lag" });
  bar.style.width = `${Math.round(70 * (last_us > first_us ? late_us / (last_us - first_us) : 0))}px`;
  return h("span", {}, bar, late_us === 0 ? "first" : difference(late_us));
}
