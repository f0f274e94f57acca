/**
 * Checks of a page in the manner of axe: names, keyboard, sizes, structure, contrast.
 * Evaluates to a list of faults, empty where all hold.
 */
() => {
  const seen = (node) => node.getClientRects().length > 0 && getComputedStyle(node).visibility !== "hidden";
  const all = (kind) => [...document.querySelectorAll(kind)].filter(seen);
  const say = (fault) => (node) => `${fault}: ${node.outerHTML.slice(0, 120)}`;
  const byId = (node, name) => document.getElementById(node.getAttribute(name));
  const named = (node) => [node.getAttribute("aria-label"), node.innerText, node.title,
    byId(node, "aria-labelledby")?.innerText, node.labels?.[0]?.innerText].some((words) => words?.trim());
  const pressed = "button, a[href], select, input, [role=button]";

  function structure() {
    const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
    const levels = all("h1, h2, h3").map((node) => Number(node.tagName[1]));
    const framed = all("main").length === 1 && all("h1").length === 1 && document.documentElement.lang && document.title;
    return [
      ...ids.filter((id, at) => ids.indexOf(id) !== at).map((id) => `an id twice: ${id}`),
      ...levels.filter((level, at) => at > 0 && level > levels[at - 1] + 1).map((level) => `a head of level ${level} without one above`),
      ...(framed ? [] : ["no main, no first head, no language or no title"]),
      ...all("button button, a button, button a").map(say("a button in a button")),
      ...all("table").filter((node) => !node.querySelector("th[scope]")).map(say("a table without heads")),
    ];
  }

  function controls() {
    const height = (node) => node.getBoundingClientRect().height;
    // The bars of the chart are reached by arrows, and a link in a row by the whole row.
    return [
      ...all(`${pressed}, nav, section, aside, [role=group], [role=img], [role=toolbar]`).filter((node) => !named(node)).map(say("no name")),
      ...all(pressed).filter((node) => node.tabIndex < 0 && !node.matches("[data-testid=bar]")).map(say("out of the keyboard's reach")),
      ...all("button:not(.link), select, input").filter((node) => height(node) < 24).map(say("too small to press")),
      ...all("[aria-labelledby]").filter((node) => !byId(node, "aria-labelledby")).map(say("named by nothing")),
    ];
  }

  const colour = (text) => {
    const parts = text.match(/[\d.]+/g).map(Number);
    return { rgb: parts.slice(0, 3), alpha: parts[3] ?? 1 };
  };
  const luminance = ({ rgb }) => rgb.map((c) => c / 255).map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, at) => sum + c * [0.2126, 0.7152, 0.0722][at], 0);
  function behind(node) {
    for (let at = node; at; at = at.parentElement) {
      const found = colour(getComputedStyle(at).backgroundColor);
      if (found.alpha > 0.9) return found;
    }
    return colour("rgb(255, 255, 255)");
  }

  /** Texts with a contrast below 4.5 (WCAG 2.2, 1.4.3). */
  function faint() {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    const found = new Set();
    while (texts.nextNode()) {
      const { parentElement: node, data } = texts.currentNode;
      if (!data.trim() || node.closest("svg, option, noscript, .skip") || !seen(node)) continue;
      const [low, high] = [luminance(colour(getComputedStyle(node).color)), luminance(behind(node))].sort((a, b) => a - b);
      const ratio = (high + 0.05) / (low + 0.05);
      if (ratio < 4.5) found.add(`faint, ${ratio.toFixed(2)}: ${data.trim().slice(0, 40)}`);
    }
    return [...found];
  }

  return [...structure(), ...controls(), ...faint()];
}
