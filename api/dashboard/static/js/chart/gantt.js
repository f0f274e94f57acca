/**
 * The live chart: a row per machine, a bar per operation.
 *
 * Bars are drawn relative to an anchor and moved as one group, so following the present costs one
 * attribute per frame. Only a new scale, a new view or a far move draws them again.
 */

import { put, puts } from "../base/dom.js";
import { drawAxis, drawMarkers } from "./axis.js";
import { drawBar, growBar, makeBar, setTabbable } from "./bars.js";
import { frame } from "./frame.js";
import { attachInput } from "./gantt_input.js";
import { Lessons } from "./lessons.js";
import { attempts, windows } from "./marks.js";
import { layout, RowDrawing } from "./rows.js";
import { Tooltip } from "./tooltip.js";
import { Viewport } from "./viewport.js";

const GUTTER_WIDE = 132;
const GUTTER_NARROW = 112;
/** Bars are drawn this many windows around the anchor; farther ones are clamped. */
const REACH = 3;
/** While nothing is touched, a frame is drawn when the picture moved by this much. */
const LEAST_MOVE_PX = 0.5;
/** A pointer that has rested on a bar for this long is not about to press. */
const HOLD_MS = 2000;
const reduced = matchMedia("(prefers-reduced-motion: reduce)");

export class Gantt {
  constructor(container, note, state, { colours, scale, onSelect, onMode }) {
    this.container = container;
    this.state = state;
    this.colours = colours;
    this.scaleChoice = scale;
    this.lit = null;
    this.heldUntil_ms = 0;
    this.onSelect = onSelect;
    this.onMode = onMode;
    this.viewport = new Viewport();
    this.groups = new Map();
    this.plan = null;
    this.dirty = true;
    Object.assign(this, frame(container));
    this.rowDrawing = new RowDrawing(this.layers.faces, this.layers.gutter);
    this.lessons = new Lessons(this.teaching, note);
    this.tooltip = new Tooltip(document.body);
    this.measure();
    attachInput(this);
    this.body.addEventListener("focusin", ({ target }) => this.light(target.dataset.run ?? null));
    this.body.addEventListener("focusout", () => this.light(null));
    new ResizeObserver(() => this.measure()).observe(container);
    state.subscribe(() => this.invalidate());
    document.addEventListener("visibilitychange", () => this.invalidate());
  }

  /** Take the size of the place; on another page, and behind the table, it has none. */
  measure() {
    this.shown = this.container.clientWidth > 0;
    this.width = this.scroller.clientWidth || 800;
    this.left = this.width < 560 ? GUTTER_NARROW : GUTTER_WIDE;
    this.invalidate();
  }

  /** Draw everything again with the next frame. */
  invalidate() {
    this.dirty = true;
    this.schedule();
  }

  schedule() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.render();
    });
  }

  setMode(mode) {
    this.viewport.mode = mode;
    this.onMode(mode);
    this.invalidate();
  }

  /** Pan or zoom by hand; following ends. */
  move(change) {
    change(this.viewport);
    this.onMode(this.viewport.mode);
    this.invalidate();
  }

  /** Let all bars of a run stand out, or with null none. */
  light(run) {
    if (run === this.lit) return;
    this.lit = run;
    this.body.classList.toggle("has-lit", run !== null);
    this.invalidate();
  }

  /** The picture stands still for a moment, so that what the pointer is on stays under it. */
  hold() {
    this.heldUntil_ms = performance.now() + HOLD_MS;
  }

  get us_per_px() {
    return this.viewport.span_us / Math.max(1, this.width - this.left);
  }

  /** Pixel of a moment in the chart as it stands. */
  x(us) {
    return this.left + (us - this.viewport.start_us) / this.us_per_px;
  }

  render() {
    const { view } = this.state;
    if (!view || document.hidden || !this.shown) return;
    const bare = view.machines.length === 0 && this.state.bars.size === 0;
    this.scroller.hidden = bare;
    this.lessons.teach(bare ? "bare" : this.state.bars.size === 0 ? "quiet" : "");
    if (bare) return;
    const held = performance.now() < this.heldUntil_ms;
    const easing = !held && this.viewport.step(this.state, { jump: reduced.matches });
    if (this.dirty) this.plan = layout(view, this.state.bars.values());
    this.draw();
    this.dirty = false;
    if (easing) this.schedule();
    else this.scheduleIdle();
  }

  /** While something moves, come back when it moved by half a pixel; a still picture can wait. */
  scheduleIdle() {
    clearTimeout(this.idle);
    const wait_ms = reduced.matches || !this.state.active ? 1000 : (LEAST_MOVE_PX * this.us_per_px) / 1000;
    this.idle = setTimeout(() => this.schedule(), Math.min(1000, Math.max(0, wait_ms)));
  }

  draw() {
    const { viewport, plan, width, left } = this;
    const now_us = this.state.now();
    const scale = this.us_per_px;
    const far = Math.abs(viewport.start_us - this.anchor_us) > (REACH - 1) * viewport.span_us;
    const redraw = this.dirty || scale !== this.scale || far || this.anchor_us === undefined;
    if (redraw) {
      this.anchor_us = viewport.start_us;
      this.scale = scale;
    }
    const shift = (this.anchor_us - viewport.start_us) / scale;
    put(this.moving, "transform", `translate(${shift} 0)`);
    if (redraw) this.drawBars(now_us);
    else this.growBars(now_us);
    puts(this.body, { height: plan.height });
    const scene = { viewport, width, left, height: plan.height, now_us, view: this.state.view, runs: this.state.runs.values(),
      clock: this.scaleChoice.value === "clock", x: (us) => this.x(us) };
    drawAxis(this.layers.ticks, this.layers.grid, scene);
    drawMarkers(this.layers.markers, this.layers.flags, scene);
    this.rowDrawing.draw(plan, width, left, this.state.utilisation());
    this.lessons.remark(this.state, now_us);
  }

  /** Pixel of a moment from the anchor, kept within what SVG's single precision can hold. */
  near(us) {
    const window_px = this.width - this.left;
    const [low, high] = [this.left - REACH * window_px, this.left + (REACH + 1) * window_px];
    return Math.min(high, Math.max(low, this.left + (us - this.anchor_us) / this.scale));
  }

  place(bar, now_us) {
    const { selection } = this.state;
    return {
      x: (us) => this.near(us),
      y: this.plan.rows.get(bar.machine).y,
      tall: this.plan.tall,
      tone: this.colours.of(bar),
      lit: this.lit === bar.run,
      left: this.left,
      right: this.width,
      now_us,
      selected: selection?.kind === "operation" && selection.id === bar.operation,
      dimmed: selection?.kind === "run" && selection.id !== bar.run,
    };
  }

  drawBars(now_us) {
    const marks = [];
    const seen = new Set();
    for (const bar of this.state.bars.values()) {
      if (!this.plan.rows.has(bar.machine)) continue;
      seen.add(bar.operation);
      const place = this.place(bar, now_us);
      drawBar(this.group(bar), bar, place);
      marks.push(...attempts(bar, this.plan, place.x, [place.tone, place.lit && "lit"]));
    }
    for (const [id, group] of this.groups) {
      if (seen.has(id)) continue;
      group.remove();
      this.groups.delete(id);
    }
    this.layers.marks.replaceChildren(...marks);
    this.layers.kept.replaceChildren(...windows(this.state.view.kept, this.plan, (us) => this.near(us)));
    this.keepOneTabbable();
  }

  growBars(now_us) {
    for (const [id, group] of this.groups) {
      const bar = this.state.bars.get(id);
      growBar(group, bar, this.place(bar, now_us));
    }
  }

  group(bar) {
    let group = this.groups.get(bar.operation);
    if (!group) {
      group = makeBar(bar);
      this.groups.set(bar.operation, group);
    }
    // What runs lies over what waits for the same machine.
    const layer = bar.started_us === null ? this.layers.future : this.layers.bars;
    if (group.parentNode !== layer) layer.append(group);
    return group;
  }

  /** The tab key reaches one bar; arrows go on from there. */
  keepOneTabbable() {
    if (this.groups.has(this.tabbable)) return;
    this.tabbable = this.groups.keys().next().value;
    if (this.tabbable) setTabbable(this.groups.get(this.tabbable), true);
  }

  /** Give a bar the keyboard focus and bring it into sight. */
  focus(bar) {
    const group = this.groups.get(bar.operation);
    if (this.groups.has(this.tabbable)) setTabbable(this.groups.get(this.tabbable), false);
    this.tabbable = bar.operation;
    setTabbable(group, true);
    group.focus({ preventScroll: true });
  }
}
