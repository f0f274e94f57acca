/** How tall rows and bars are: few machines get tall rows. */

export const HEAD_HEIGHT = 20;

/** Height of a row by how many machines there are, the first limit that holds. */
const HEIGHTS = [[4, 56], [12, 44], [Infinity, 30]];

/** Height of every row. */
export function rowHeight(machines) {
  return HEIGHTS.find(([most]) => machines <= most)[1];
}

/** A band in the middle of a row that leaves `margin` above and below. */
export function inset(tall, margin) {
  return { y: margin, height: tall - 2 * margin };
}

/** Where a line of text stands in the middle of a row. */
export function baseline(tall) {
  return tall / 2 + 4;
}
