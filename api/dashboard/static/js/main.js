/** Puts the parts of the page together. */

import { AccuracyPanel } from "./accuracy.js";
import { Details } from "./details.js";
import { h, refill, write } from "./dom.js";
import { Figures } from "./figures.js";
import { clock } from "./format.js";
import { Gantt } from "./gantt.js";
import { get, hasToken, send, setToken } from "./http.js";
import { Machines } from "./machines.js";
import { OperationTable } from "./operations.js";
import { Profiles } from "./profiles.js";
import { Runs } from "./runs.js";
import { State } from "./state.js";
import { follow } from "./stream.js";

/** Tables are read, not watched: they are drawn at most this often. */
const TABLE_MS = 250;
/** Shares and ages change even when nothing is reported. */
const IDLE_MS = 1000;
const TOAST_MS = 6000;
/** How many ended runs are read when the page opens. */
const HISTORY = 300;

const find = (id) => document.getElementById(id);
const state = new State();

function select(kind, id, { scroll = false } = {}) {
  state.select(kind, id);
  history.replaceState(null, "", kind ? `#${kind}=${encodeURIComponent(id)}` : location.pathname);
  if (scroll || (kind && innerWidth < 700)) find("details").scrollIntoView({ block: "nearest" });
}

function selectFromAddress() {
  const [kind, id] = location.hash.slice(1).split("=");
  if (id && (kind === "run" || kind === "operation")) state.select(kind, decodeURIComponent(id));
}

function toast(words) {
  const element = find("toast");
  write(element, words);
  element.hidden = false;
  clearTimeout(toast.timer);
  toast.timer = setTimeout(() => { element.hidden = true; }, TOAST_MS);
}

/** Ask before a run is cancelled, then cancel it. */
function cancel(run) {
  const dialog = find("confirm");
  write(find("confirm-title"), `Cancel ${run.run}?`);
  write(find("confirm-text"), `Of ${run.workload}. What runs is stopped, what waits is dropped; results made so far are deleted.`);
  find("confirm-no").onclick = () => dialog.close();
  find("confirm-yes").onclick = async () => {
    dialog.close();
    try {
      await send(`v1/runs/${encodeURIComponent(run.run)}`, { method: "DELETE" });
      toast(`${run.run} is being cancelled.`);
    } catch (error) {
      toast(`${run.run} was not cancelled: ${error.message}`);
    }
  };
  dialog.showModal();
}

const handlers = {
  onSelect: (kind, id) => select(kind, id, { scroll: true }),
  onCancel: cancel,
  onError: (error) => toast(error.message),
};
const gantt = new Gantt(find("gantt"), find("chart-note"), state, {
  onSelect: (operation, { byKey = false } = {}) => {
    select(operation ? "operation" : null, operation);
    if (byKey && operation) find("details").focus();
  },
  onMode: drawTools,
});
const table = new OperationTable(find("operation-table"), state, (id) => select("operation", id, { scroll: true }));
const details = new Details(find("details"), state, handlers);
const parts = [
  new Figures(find("figures"), state),
  new Machines(find("machines"), state),
  new Runs(find("runs"), find("run-filter"), state, { onSelect: (id) => select("run", id, { scroll: true }), onCancel: cancel }),
  new Profiles(find("profiles"), state),
  new AccuracyPanel(find("accuracy")),
  table,
  details,
];

function showTable(wanted) {
  find("operation-table").hidden = !wanted;
  find("gantt").hidden = wanted;
  find("legend").hidden = wanted;
  drawTools();
  table.draw();
}

function drawTools() {
  const tabular = !find("operation-table").hidden;
  const mode = gantt?.viewport.mode;
  const button = (text, label, pressed, onclick) =>
    h("button", { type: "button", "aria-label": label, title: label, "aria-pressed": pressed, "data-focus": text, onclick }, text);
  refill(find("tools"), [tabular, mode], () => [
    tabular ? null : h("div", { class: "group" },
      button("Live", "Follow the present", String(mode === "follow"), () => gantt.setMode("follow")),
      button("Fit", "Show everything", String(mode === "fit"), () => gantt.setMode("fit")),
      button("−", "Zoom out", null, () => gantt.move(zoomBy(1.6))),
      button("+", "Zoom in", null, () => gantt.move(zoomBy(1 / 1.6)))),
    h("div", { class: "group" },
      button("Chart", "Show a chart", String(!tabular), () => showTable(false)),
      button("Table", "Show a table", String(tabular), () => showTable(true))),
  ]);
}

function zoomBy(factor) {
  return (viewport) => viewport.zoom(factor, (viewport.start_us + viewport.end_us) / 2);
}

function drawLegend() {
  const bands = ["critical", "high", "normal", "background", "profile"];
  const words = { profile: "measuring" };
  const keys = { planned: "planned", expected: "expected", transfer: "transfer", wait: "late start", idle: "idle", cross: "failed", yield: "gave way", kept: "kept free" };
  find("legend").append(
    ...bands.map((band) => h("span", {}, h("i", { class: `swatch ${band}` }), words[band] ?? band)),
    ...Object.entries(keys).map(([kind, text]) => h("span", {}, h("i", { class: `key ${kind}` }), text)),
    h("span", { class: "keys" }, "drag or ", h("kbd", {}, "A"), h("kbd", {}, "D"), " pan · ", h("kbd", {}, "Ctrl"), "+wheel or ", h("kbd", {}, "W"), h("kbd", {}, "S"), " zoom · ", h("kbd", {}, "F"), " live"),
  );
}

function drawHeader() {
  const { view } = state;
  const source = view.plan_source && view.plan_source !== view.placement ? [" · plan by ", h("b", {}, view.plan_source)] : [];
  const running = view.runs.filter((run) => run.state === "running").length;
  document.title = running > 0 ? `Fjord · ${running} running` : "Fjord";
  const unimproved = view.improve ? [] : [" · plans are not improved"];
  refill(find("policy"), [view.placement, view.plan_source, view.improve], () => ["placed by ", h("b", {}, view.placement), ...source, ...unimproved]);
}

function showStatus(status, words) {
  find("live").dataset.status = status;
  write(find("live").querySelector(".words"), words);
}

let heard_at = null;

function connect() {
  return follow("v1/events", {
    event: (name, data) => {
      if (name === "view") state.apply(JSON.parse(data));
      else if (name === "run") state.applyRun(JSON.parse(data));
    },
    live: () => {
      heard_at = Date.now();
      find("token").hidden = true;
      showStatus("live", "live");
    },
    lost: () => {
      showStatus("stale", heard_at === null ? "cannot reach the service, trying again" : `stale since ${clock(1000 * heard_at)}, reconnecting`);
    },
    refused: (error) => {
      showStatus("stale", hasToken() ? error.message : "a token is needed");
      find("token").hidden = false;
      find("secret").focus();
    },
  });
}

/** Draw tables soon, but not more often than they can be read. */
function scheduleTables() {
  scheduleTables.timer ||= setTimeout(() => {
    scheduleTables.timer = 0;
    drawParts();
  }, TABLE_MS);
}

function drawParts() {
  if (!state.view || document.hidden) return;
  drawHeader();
  for (const part of parts) part.draw();
}

/** The view has the latest runs only; the table goes further back. */
async function readHistory() {
  try {
    state.applyHistory((await get(`v1/runs?limit=${HISTORY}`)).runs);
  } catch (error) {
    toast(`Earlier runs could not be read: ${error.message}`);
  }
}

write(find("site"), location.host);
drawLegend();
drawTools();
details.draw();
let first = true;
let chosen = null;
state.subscribe(() => {
  // The first view and the reader's own choices are shown at once.
  if (first || chosen !== state.selection) drawParts();
  if (first && state.view !== null) readHistory();
  first = state.view === null;
  chosen = state.selection;
  scheduleTables();
});
setInterval(drawParts, IDLE_MS);
selectFromAddress();
addEventListener("hashchange", selectFromAddress);
const reconnect = connect();
find("token").addEventListener("submit", (event) => {
  event.preventDefault();
  setToken(find("secret").value.trim());
  reconnect();
});
