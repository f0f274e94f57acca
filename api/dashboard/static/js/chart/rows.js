/** The rows of the chart: a heading per agent, a line per machine, and where each one stands. */

import { put, puts, s, write } from "../base/dom.js";
import { percent } from "../base/format.js";
import { byAgent } from "../base/machines.js";
import { lane, state as stateWords } from "../base/words.js";
import { baseline, HEAD_HEIGHT, rowHeight } from "./geometry.js";

/**
 * Where every row stands.
 *
 * @returns {{height: number, tall: number, heads: object[], rows: Map<string, object>}} `tall` is the height
 *   of a row, `rows` by machine id, each
 *   with `y`; bars on machines that have left get a row at the end, so that history stays.
 */
export function layout(view, bars) {
  const heads = [];
  const rows = new Map();
  const gone = goneOf(view, bars);
  const tall = rowHeight(view.machines.length + gone.length);
  let y = 0;
  for (const group of byAgent(view.machines)) {
    heads.push({ key: group.agent, text: headline(group), y });
    y += HEAD_HEIGHT;
    for (const machine of group.machines) {
      rows.set(machine.report.id, { id: machine.report.id, y, machine });
      y += tall;
    }
  }
  if (gone.length > 0) {
    heads.push({ key: "gone", text: "no longer here", y });
    y += HEAD_HEIGHT;
  }
  for (const id of gone) {
    rows.set(id, { id, y, machine: null });
    y += tall;
  }
  return { height: y, tall, heads, rows };
}

/** Machines that have left, and whose bars are still shown. */
function goneOf(view, bars) {
  const here = new Set(view.machines.map(({ report }) => report.id));
  return [...new Set([...bars].map((bar) => bar.machine))].filter((id) => id && !here.has(id)).sort();
}

function headline(group) {
  return group.box && group.box !== group.agent ? `${group.agent} on ${group.box}` : group.agent;
}

/** Draws the faces below the bars and the names in the gutter left of them. */
export class RowDrawing {
  constructor(faces, gutter) {
    this.faces = faces;
    this.gutter = gutter;
    this.signature = "";
  }

  draw(plan, width, gutterWidth, shares) {
    const signature = JSON.stringify([
      width,
      gutterWidth,
      plan.heads,
      [...plan.rows.values()].map((row) => [row.id, row.y, row.machine?.state]),
    ]);
    if (signature !== this.signature) {
      this.signature = signature;
      this.rebuild(plan, width, gutterWidth);
    }
    for (const [id, text] of this.shares) write(text, shares.has(id) ? percent(shares.get(id)) : "");
  }

  rebuild(plan, width, gutterWidth) {
    this.shares = new Map();
    this.faces.replaceChildren();
    this.gutter.replaceChildren(
      s("rect", { class: "gutter-face", x: 0, y: 0, width: gutterWidth, height: plan.height }),
    );
    for (const head of plan.heads) {
      this.gutter.append(
        s("rect", { class: "row-group-face", x: 0, y: head.y, width, height: HEAD_HEIGHT }),
        s("text", { class: "row-group", x: 10, y: head.y + 14 }, head.text),
      );
    }
    for (const row of plan.rows.values()) this.add(row, width, gutterWidth, plan.tall);
    this.gutter.append(
      s("line", { class: "row-line", x1: gutterWidth, x2: gutterWidth, y1: 0, y2: plan.height }),
    );
  }

  add(row, width, gutterWidth, tall) {
    const { y, machine } = row;
    const down = !machine || machine.state === "down" || machine.state === "lost";
    const face = s("rect", { class: "row-face", x: 0, y, width, height: tall });
    if (down) puts(face, { class: "row-face row-down", fill: "url(#hatch-bad)" });
    const bottom = y + tall;
    this.faces.append(face);
    if (down) this.faces.append(s("rect", { x: 0, y, width, height: tall, fill: "url(#hatch-bad)", opacity: 0.5 }));
    this.faces.append(s("line", { class: "row-line", x1: 0, x2: width, y1: bottom, y2: bottom }));
    const name = s("text", { class: "row-name", x: 10, y: y + baseline(tall) }, lane(row.id), s("title", {}, row.id));
    const share = s("text", { class: "row-share", x: gutterWidth - 8, y: y + baseline(tall) });
    this.gutter.append(name, share);
    if (machine && machine.state !== "up") {
      put(share, "class", "row-share row-state");
      write(share, stateWords(machine.state)[0]);
    } else if (machine) this.shares.set(row.id, share);
  }
}
