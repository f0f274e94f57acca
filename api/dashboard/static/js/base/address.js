/**
 * The part of the address behind `#`: which page is shown, and what is open beside it.
 *
 * `#page=workload&of=ocr@1&run=r-1` shows a workload with one of its runs open.
 */

const OPENED = ["run", "operation"];

/** Read the address. Returns `{page, of, selection}`; without a page, `page` is `site`. */
export function read() {
  const parts = new URLSearchParams(location.hash.slice(1));
  const kind = OPENED.find((name) => parts.get(name));
  return {
    page: parts.get("page") || "site",
    of: parts.get("of") ?? "",
    selection: kind ? { kind, id: parts.get(kind) } : null,
  };
}

/** The address of a page, with what is open beside it. */
export function format({ page = "site", of = "", selection = null }) {
  const parts = new URLSearchParams();
  if (page !== "site") parts.set("page", page);
  if (of) parts.set("of", of);
  if (selection) parts.set(selection.kind, selection.id);
  return `#${parts}`;
}

/** Open something else beside the page that is shown; the way back does not stop at each. */
export function replaceSelection(selection) {
  history.replaceState(null, "", format({ ...read(), selection }));
}
