/** Small helpers to make and update elements. Text goes in as text: nothing is parsed as HTML. */

const SVG = "http://www.w3.org/2000/svg";

/**
 * Make an element. Attributes that start with `on` are listeners, `class` may hold falsy parts in
 * an array, `null` and `false` leave an attribute out. Children that are null or false are left out.
 */
export function h(tag, attributes = {}, ...children) {
  return furnish(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return furnish(document.createElementNS(SVG, tag), attributes, children);
}

function furnish(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else put(element, name, Array.isArray(value) ? value.filter(Boolean).join(" ") : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== false && child !== undefined));
  return element;
}

/** Set an attribute only when it changes: writing the same value still costs a style pass. */
export function put(element, name, value) {
  const wanted = value === null || value === undefined || value === false ? null : String(value);
  const cache = (element.fjord ??= {});
  if (cache[name] === wanted) return;
  cache[name] = wanted;
  if (wanted === null) element.removeAttribute(name);
  else element.setAttribute(name, wanted);
}

/** Set several attributes. */
export function puts(element, attributes) {
  for (const name in attributes) put(element, name, attributes[name]);
}

/** Set the text of an element only when it changes. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Replace what is inside an element. */
export function fill(element, ...children) {
  element.replaceChildren(...children.flat().filter((child) => child !== null && child !== false));
}

/**
 * Replace what is inside an element, but only if `signature` changed since the last time.
 * Keeps focus, selection and scroll positions of what did not change.
 */
export function refill(element, signature, make) {
  const text = JSON.stringify(signature);
  if (element.signature === text) return;
  element.signature = text;
  const focused = element.contains(document.activeElement) ? document.activeElement.dataset.focus : null;
  fill(element, make());
  if (focused) element.querySelector(`[data-focus="${CSS.escape(focused)}"]`)?.focus();
}

/** A state as a chip. */
export function chip([word, tone], title = null) {
  return h("span", { class: ["chip", tone], title }, word);
}

/** What to show where there is nothing yet: a headline, and what to type. */
export function empty(headline, ...lines) {
  return h("div", { class: "empty" }, h("strong", {}, headline), ...lines);
}

/** A table whose rows turn into cards on a phone. Columns are `[title, class]`. */
export function table(columns, rows, attributes = {}) {
  const head = columns.map(([title, kind]) => h("th", { class: kind || null, scope: "col" }, title));
  return h("table", { class: "cards", ...attributes }, h("thead", {}, h("tr", {}, head)), h("tbody", {}, rows));
}

/** A row of such a table: one cell per column, labelled for the cards. */
export function row(columns, cells, attributes = {}) {
  const made = cells.map((cell, index) => {
    const [title, kind] = columns[index];
    return h("td", { class: kind || null, "data-label": title }, cell);
  });
  return h("tr", attributes, made);
}
