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
    if (name.startsWith("on")) listen(element, name, value);
    else put(element, name, Array.isArray(value) ? value.filter(Boolean).join(" ") : value);
  }
  element.append(...present(children));
  return element;
}

/** One listener per event, so that an element that is kept can take over that of a newer one. */
function listen(element, name, listener) {
  (element.listeners ??= {})[name] = listener;
  element[name] = listener;
}

function present(children) {
  return [children].flat(Infinity).filter((child) => child !== null && child !== false && child !== undefined);
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

/** Replace the children of an element. */
export function fill(element, ...children) {
  element.replaceChildren(...present(children));
}

/**
 * Bring the children of an element up to date when their signature changed. Elements stay where
 * they are and take on what is new: a press and its release meet the same button, the focus and a
 * marked text stay.
 */
export function refill(element, signature, make) {
  const text = JSON.stringify(signature);
  if (element.signature === text) return;
  element.signature = text;
  reconcile(element, present(make()).map((child) => (child instanceof Node ? child : document.createTextNode(child))));
}

/** Match children with those that are there: by `data-key` where they have one, else by place. */
function reconcile(parent, children) {
  const wanted = new Set(children.map(keyOf));
  const known = new Map();
  for (const child of [...parent.childNodes]) {
    const key = keyOf(child);
    if (key === null) continue;
    if (wanted.has(key)) known.set(key, child);
    else child.remove();
  }
  let next = parent.firstChild;
  for (const child of children) {
    const key = keyOf(child);
    const match = key === null ? next : known.get(key);
    if (!match || keyOf(match) !== key || !alike(match, child)) {
      parent.insertBefore(child, next);
      continue;
    }
    if (match === next) next = next.nextSibling;
    else parent.insertBefore(match, next);
    patch(match, child);
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

function keyOf(node) {
  return node.dataset?.key ?? null;
}

function alike(a, b) {
  return a.nodeName === b.nodeName && a.type === b.type;
}

/** Make an element that is shown equal to one that is not. */
function patch(shown, made) {
  if (shown.nodeType === Node.TEXT_NODE) {
    if (shown.data !== made.data) shown.data = made.data;
    return;
  }
  for (const name of Object.keys({ ...shown.fjord, ...made.fjord })) put(shown, name, made.fjord?.[name]);
  for (const name of Object.keys({ ...shown.listeners, ...made.listeners })) listen(shown, name, made.listeners?.[name] ?? null);
  if (shown.style.cssText !== made.style.cssText) shown.style.cssText = made.style.cssText;
  reconcile(shown, [...made.childNodes]);
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
