/** Graphs of stages: layers from above to below, edges between them, drawn as SVG. */

import { s } from "../base/dom.js";

const NODE = { width: 232, height: 44 };
const GAP = { x: 14, y: 20 };
const MARGIN = 4;
/** Edges that pass a layer go round it: this far out at most. */
const DETOUR = { first: 14, each: 7, most: 56 };
/** Mean width of a letter at the size of the names. */
const LETTER_PX = 6.6;
const SMALL_LETTER_PX = 6;

/**
 * A graph.
 *
 * @param {{name: string, lines: string[], tone: string, title: string, picked: boolean, inert: boolean}[]} nodes - In
 *   topological order; `lines` are two, below the name. An `inert` one cannot be chosen.
 * @param {[string, string][]} edges - From the earlier to the later, by name.
 * @param {function} onNode - Called with the name of a node that is chosen.
 */
export function dag(nodes, edges, onNode) {
  const layers = layered(nodes, edges);
  const places = placed(layers);
  const around = edges.some(([from, to]) => isLong(places.get(from), places.get(to))) ? DETOUR.most : 0;
  const width = around + 2 * MARGIN + Math.max(...layers.map((layer) => layer.length)) * (NODE.width + GAP.x) - GAP.x;
  const height = 2 * MARGIN + layers.length * (NODE.height + GAP.y) - GAP.y;
  const known = edges.filter(([from, to]) => places.has(from) && places.has(to));
  const svg = s("svg", { class: "dag", viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": `Graph of ${nodes.length} stages`, "data-testid": "dag" },
    known.map(([from, to]) => s("path", { class: "dag-edge", d: curve(places.get(from), places.get(to)) })),
    nodes.map((node) => box(node, places.get(node.name), onNode)));
  svg.style.maxWidth = `${width}px`;
  return svg;
}

/** Each node one layer below the lowest of those it takes from. */
function layered(nodes, edges) {
  const depth = new Map();
  for (const { name } of nodes) {
    const before = edges.filter(([, to]) => to === name).map(([from]) => depth.get(from) ?? -1);
    depth.set(name, Math.max(-1, ...before) + 1);
  }
  const layers = [];
  for (const { name } of nodes) (layers[depth.get(name)] ??= []).push(name);
  return untangled(layers, edges);
}

/** Within a layer, nodes stand below those they take from: by the mean of their places. */
function untangled(layers, edges) {
  const place = new Map();
  return layers.map((layer) => {
    const mean = (name) => {
      const above = edges.filter(([from, to]) => to === name && place.has(from)).map(([from]) => place.get(from));
      return above.length ? above.reduce((a, b) => a + b, 0) / above.length : 0;
    };
    const ordered = layer.map((name) => [mean(name), name]).sort(([a], [b]) => a - b).map(([, name]) => name);
    ordered.forEach((name, i) => place.set(name, i - (ordered.length - 1) / 2));
    return ordered;
  });
}

function placed(layers) {
  const most = Math.max(...layers.map((layer) => layer.length));
  const places = new Map();
  layers.forEach((layer, row) => layer.forEach((name, i) => {
    const column = i + (most - layer.length) / 2;
    places.set(name, { x: MARGIN + column * (NODE.width + GAP.x), y: MARGIN + row * (NODE.height + GAP.y) });
  }));
  return places;
}

/** Whether an edge passes a layer on its way. */
function isLong(from, to) {
  return Boolean(from && to) && to.y - from.y > NODE.height + GAP.y + 1;
}

function curve(from, to) {
  if (isLong(from, to)) return detour(from, to);
  const [x1, y1] = [from.x + NODE.width / 2, from.y + NODE.height];
  const [x2, y2] = [to.x + NODE.width / 2, to.y];
  const bend = Math.max(GAP.y / 2, (y2 - y1) / 2);
  return `M${x1} ${y1}C${x1} ${y1 + bend} ${x2} ${y2 - bend} ${x2} ${y2}`;
}

function detour(from, to) {
  const [x1, y1] = [from.x + NODE.width, from.y + NODE.height / 2];
  const [x2, y2] = [to.x + NODE.width, to.y + NODE.height / 2 - 6];
  const passed = (to.y - from.y) / (NODE.height + GAP.y);
  const out = Math.max(x1, x2) + Math.min(DETOUR.most, DETOUR.first + DETOUR.each * passed);
  return `M${x1} ${y1}C${out} ${y1} ${out} ${y1} ${out} ${(y1 + y2) / 2}S${out} ${y2} ${x2} ${y2}`;
}

function box(node, { x, y }, onNode) {
  const pressed = node.inert ? { role: "img" } : pressable(() => onNode(node.name));
  const label = [node.name, ...node.lines].filter(Boolean).join(", ");
  return s("g", { class: ["dag-node", node.tone, node.picked && "picked"], transform: `translate(${x} ${y})`, ...pressed,
    "aria-label": label, "data-key": node.name, "data-testid": "dag-node", "data-stage": node.name, "data-state": node.state ?? null },
    s("rect", { width: NODE.width, height: NODE.height, rx: 6 }),
    s("text", { class: "name", x: 10, y: 18 }, cut(node.name, LETTER_PX)),
    s("text", { class: "line end", x: NODE.width - 10, y: 18 }, beside(node)),
    s("text", { class: "line", x: 10, y: 35 }, cut(node.lines[1] ?? "", SMALL_LETTER_PX)),
    s("title", {}, node.title ?? label));
}

/** What makes an element a button that keys press, too. */
function pressable(act) {
  const onkeydown = (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act();
  };
  return { role: "button", tabindex: 0, onclick: act, onkeydown };
}

/** The first line stands right of the name where there is room for both. */
function beside({ name, lines: [text = ""] }) {
  return LETTER_PX * name.length + SMALL_LETTER_PX * text.length < NODE.width - 30 ? text : "";
}

function cut(text, letter_px) {
  const most = Math.floor((NODE.width - 18) / letter_px);
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
