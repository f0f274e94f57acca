/** Puts the parts of the page together. */

import { read, replaceSelection } from "./base/address.js";
import { Aside } from "./base/aside.js";
import { choice } from "./base/choices.js";
import { Colours } from "./base/colours.js";
import { h, refill, write } from "./base/dom.js";
import { get } from "./base/http.js";
import { Library } from "./base/library.js";
import { State } from "./base/state.js";
import { Gantt } from "./chart/gantt.js";
import { drawLegend } from "./chart/legend.js";
import { Toolbar } from "./chart/toolbar.js";
import { Pages } from "./pages/pages.js";
import { Details } from "./runs/details.js";
import { OperationTable } from "./runs/operations.js";
import { runPanel, Runs } from "./runs/runs.js";
import { AccuracyPanel } from "./site/accuracy.js";
import { connect, isLive } from "./site/connection.js";
import { cancel, toast } from "./site/dialogs.js";
import { Figures } from "./site/figures.js";
import { Machines } from "./site/machines.js";
import { Office } from "./site/office.js";

/** Tables are read, not watched: they are drawn at most this often. */
const TABLE_MS = 250;
/** Shares and ages change even when nothing is reported. */
const IDLE_MS = 1000;
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
new Office(find("office"), isLive);
connect(state);
