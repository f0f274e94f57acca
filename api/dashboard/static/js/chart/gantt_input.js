/** Pointer, wheel and keys on the chart. */

import { extent } from "./viewport.js";

/** A press that moves less than this is a click. */
const CLICK_PX = 4;
/** A thin bar can be hit from this far. */
const NEAR_PX = 7;

/** Let a chart be moved, zoomed, hovered and walked through. */
export function attachInput(gantt) {
  const element = gantt.scroller;
  const pointers = new Map();
  let pressed = null;

  element.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, event.clientX);
    // Work moves on between press and release: the bar that was pressed counts.
    pressed = { x: event.clientX, moved: false, bar: nearest(gantt, event) ?? barOf(gantt, event.target) };
  });

  element.addEventListener("pointermove", (event) => {
    if (!pointers.has(event.pointerId)) {
      hover(gantt, event);
      return;
    }
    drag(gantt, event, pointers, pressed);
  });

  for (const name of ["pointerup", "pointercancel", "pointerleave"]) {
    element.addEventListener(name, (event) => {
      pointers.delete(event.pointerId);
      if (pointers.size === 0) element.classList.remove("dragging");
      if (name !== "pointerup") leave(gantt);
    });
  }

  element.addEventListener("click", (event) => {
    if (pressed?.moved) return;
    const bar = pressed ? pressed.bar : barOf(gantt, event.target);
    gantt.onSelect(bar?.operation ?? null);
  });

  element.addEventListener("wheel", (event) => wheel(gantt, event), { passive: false });
  element.addEventListener("keydown", (event) => key(gantt, event));
}

function drag(gantt, event, pointers, pressed) {
  const before = pointers.get(event.pointerId);
  if (!pressed.moved && Math.abs(event.clientX - pressed.x) < CLICK_PX) return;
  if (!pressed.moved) {
    pressed.moved = true;
    gantt.scroller.classList.add("dragging");
    gantt.scroller.setPointerCapture(event.pointerId);
    gantt.tooltip.hide();
  }
  const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, x]) => x);
  pointers.set(event.pointerId, event.clientX);
  if (others.length === 1) pinch(gantt, others[0], before, event.clientX);
  else gantt.move((viewport) => viewport.pan((before - event.clientX) / (gantt.width - gantt.left)));
}

/** Two fingers: the moment under the resting one stays where it is. */
function pinch(gantt, resting, before, after) {
  const factor = Math.abs(before - resting) / Math.max(8, Math.abs(after - resting));
  gantt.move((viewport) => viewport.zoom(factor, moment(gantt, resting)));
}

/** Sideways scrolling pans; with Ctrl, Cmd or a pinch on a touch pad the wheel zooms. */
function wheel(gantt, event) {
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    const factor = Math.exp(Math.min(60, Math.max(-60, event.deltaY)) / 120);
    gantt.move((viewport) => viewport.zoom(factor, moment(gantt, event.clientX)));
  } else if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
    event.preventDefault();
    const by = event.shiftKey && !event.deltaX ? event.deltaY : event.deltaX;
    gantt.move((viewport) => viewport.pan(by / (gantt.width - gantt.left)));
  }
}

function moment(gantt, client_x) {
  const { left } = gantt.scroller.getBoundingClientRect();
  return gantt.viewport.start_us + (client_x - left - gantt.left) * gantt.us_per_px;
}

function hover(gantt, event) {
  const bar = event.pointerType === "touch" ? null : nearest(gantt, event);
  if (!bar) {
    leave(gantt);
    return;
  }
  gantt.scroller.classList.add("over-bar");
  gantt.tooltip.show(bar, event.clientX, event.clientY);
  gantt.hold();
  gantt.light(bar.run);
}

function leave(gantt) {
  gantt.scroller.classList.remove("over-bar");
  gantt.tooltip.hide();
  gantt.light(barOf(gantt, document.activeElement)?.run ?? null);
}

/** The bar at a point, or the next one in its row: a bar may be thinner than a pointer. */
function nearest(gantt, event) {
  if (!gantt.plan) return null;
  const y = event.clientY - gantt.body.getBoundingClientRect().top;
  const at_us = moment(gantt, event.clientX);
  const now_us = gantt.state.now();
  let best = null;
  let least = NEAR_PX * gantt.us_per_px;
  for (const bar of gantt.state.bars.values()) {
    const row = gantt.plan.rows.get(bar.machine);
    const reach = row && y >= row.y && y < row.y + gantt.plan.tall ? extent(bar, now_us) : null;
    if (!reach) continue;
    const distance = distanceTo(bar, at_us, reach);
    if (distance < least) [best, least] = [bar, distance];
  }
  return best;
}

/** What ran lies over what was planned: inside the former counts as nearer than inside the latter. */
function distanceTo(bar, at_us, [from_us, to_us]) {
  const outside_us = Math.max(0, from_us - at_us, at_us - to_us);
  if (outside_us > 0) return outside_us;
  return bar.started_us !== null && at_us >= bar.started_us && at_us <= (bar.ended_us ?? Infinity) ? -2 : -1;
}

function barOf(gantt, target) {
  const id = target.closest?.("[data-operation]")?.dataset.operation;
  return id ? gantt.state.bars.get(id) : null;
}

const VIEW_KEYS = {
  a: (gantt) => gantt.move((viewport) => viewport.pan(-0.2)),
  d: (gantt) => gantt.move((viewport) => viewport.pan(0.2)),
  w: (gantt) => gantt.move((viewport) => viewport.zoom(0.7, (viewport.start_us + viewport.end_us) / 2)),
  s: (gantt) => gantt.move((viewport) => viewport.zoom(1 / 0.7, (viewport.start_us + viewport.end_us) / 2)),
  f: (gantt) => gantt.setMode("follow"),
};

function key(gantt, event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const view = VIEW_KEYS[event.key.toLowerCase()];
  const current = barOf(gantt, document.activeElement);
  if (view) view(gantt);
  else if (event.key.startsWith("Arrow")) walk(gantt, current, event.key.slice(5));
  else if (event.key === "Enter" || event.key === " ") gantt.onSelect(current?.operation ?? null, { byKey: true });
  else if (event.key === "Escape") gantt.onSelect(null);
  else return;
  event.preventDefault();
}

/** Move the focus to the next bar in a direction. */
function walk(gantt, current, direction) {
  const now_us = gantt.state.now();
  const start = (bar) => extent(bar, now_us)?.[0] ?? 0;
  const rowOf = (bar) => gantt.plan.rows.get(bar.machine)?.y;
  const bars = [...gantt.state.bars.values()].filter((bar) => rowOf(bar) !== undefined && extent(bar, now_us));
  if (bars.length === 0) return;
  const ordered = bars.sort((a, b) => start(a) - start(b));
  const next = current ? neighbour(ordered, current, direction, start, rowOf) : ordered[0];
  if (!next) return;
  gantt.move((viewport) => {
    const mode = viewport.mode;
    const [from_us, to_us] = extent(next, now_us);
    const inside = from_us >= viewport.start_us && to_us <= viewport.end_us;
    viewport.reveal(from_us, to_us);
    if (inside) viewport.mode = mode;
  });
  gantt.focus(next);
}

function neighbour(ordered, current, direction, start, rowOf) {
  if (direction === "Left" || direction === "Right") {
    const row = ordered.filter((bar) => bar.machine === current.machine);
    const index = row.findIndex((bar) => bar.operation === current.operation);
    return row[index + (direction === "Right" ? 1 : -1)];
  }
  const sign = direction === "Down" ? 1 : -1;
  const beyond = ordered.filter((bar) => sign * (rowOf(bar) - rowOf(current)) > 0);
  const row = Math.min(...beyond.map((bar) => sign * rowOf(bar)));
  const candidates = beyond.filter((bar) => sign * rowOf(bar) === row);
  return candidates.sort((a, b) => Math.abs(start(a) - start(current)) - Math.abs(start(b) - start(current)))[0];
}
