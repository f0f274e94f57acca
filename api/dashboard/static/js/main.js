/** Puts the parts of the page together. */

import { read, replaceSelection } from "./base/address.js";
import { Aside } from "./base/aside.js";
import { choice } from "./base/choices.js";
import { Colours } from "./base/colours.js";
import { h, refill, write } from "./base/dom.js";
import { clock } from "./base/format.js";
import { get, hasToken, send, setToken } from "./base/http.js";
import { Library } from "./base/library.js";
import { State } from "./base/state.js";
import { follow } from "./base/stream.js";
import { drawLegend } from "./chart/legend.js";
import { Gantt } from "./chart/gantt.js";
import { Toolbar } from "./chart/toolbar.js";
import { Pages } from "./pages/pages.js";
import { Details } from "./runs/details.js";
import { OperationTable } from "./runs/operations.js";
import { runPanel, Runs } from "./runs/runs.js";
import { AccuracyPanel } from "./site/accuracy.js";
import { Figures } from "./site/figures.js";
import { Machines } from "./site/machines.js";
import { Office } from "./site/office.js";

/** Tables are read, not watched: they are drawn at most this often. */
const TABLE_MS = 250;
/** Shares and ages change even when nothing is reported. */
const IDLE_MS = 1000;
const TOAST_MS = 6000;
/** How many ended runs are read when the page opens. */
const HISTORY = 300;

const find = (id) => document.getElementById(id);
const state = new State();

/** Open something at the side, or close what is open there. */
function select(kind, id = null) {
  replaceSelection(kind ? { kind, id } : null);
  state.select(kind, id);
}

function goToAddress() {
  const wanted = read();
  pages.show(wanted);
  state.select(wanted.selection?.kind ?? null, wanted.selection?.id ?? null);
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
  onSelect: select,
  onCancel: cancel,
  onError: (error) => toast(error.message),
};
const runHandlers = { ...handlers, onSelect: (id) => select("run", id) };
const colours = new Colours(state, choice("colours", ["priority", "workload", "run"], () => redraw()));
const scale = choice("scale", ["now", "clock"], () => redraw());
const aside = new Aside(find("details"), () => select(null));
const library = new Library(() => drawParts(), handlers.onError);
const gantt = new Gantt(find("gantt"), find("chart-note"), state, {
  colours,
  scale,
  onSelect: (operation, { byKey = false } = {}) => {
    select(operation ? "operation" : null, operation);
    if (byKey && operation) aside.focus();
  },
  onMode: () => toolbar.draw(),
});
const table = new OperationTable(find("operation-table"), state, (id) => select("operation", id));
const toolbar = new Toolbar(find("tools"), gantt, { colours: colours.choice, scale, onTable: showTable });
const details = new Details(aside, state, handlers);
const pages = new Pages(find("page-site"), find("page-other"), document.querySelectorAll("#pages a"), state, library, runHandlers);
const panel = runPanel("runs-title");
find("columns").prepend(panel);
const parts = [
  new Figures(find("figures"), state),
  new Machines(find("machines"), state),
  new Runs(panel, state, runHandlers),
  new AccuracyPanel(find("accuracy")),
  table,
  details,
  pages,
];

/** A choice of the reader changed how the chart looks. */
function redraw() {
  toolbar.draw();
  gantt.invalidate();
  drawParts();
}

function showTable(wanted) {
  find("operation-table").hidden = !wanted;
  find("gantt").hidden = wanted;
  find("legend").hidden = wanted;
  table.draw();
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
  drawLegend(find("legend"), colours);
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
toolbar.draw();
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
goToAddress();
addEventListener("hashchange", goToAddress);
new Office(find("office"), () => find("live").dataset.status === "live");
const reconnect = connect();
find("token").addEventListener("submit", (event) => {
  event.preventDefault();
  setToken(find("secret").value.trim());
  reconnect();
});
