"""Pictures as SVG, and as a page with a label under the pointer."""

from __future__ import annotations

from html import escape
from xml.etree import ElementTree as Tree

from api.tools.gantt.colours import hexadecimal
from api.tools.gantt.shapes import Picture, Rectangle, Text

NAMESPACE = "http://www.w3.org/2000/svg"
FONT = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif"


def svg(picture: Picture, *, tips: str = "title") -> str:
    """Write a picture as SVG.

    Parameters
    ----------
    tips
        ``title`` makes what shows on pointing an element that any viewer knows; anything else is
        the name of an attribute to write it in.
    """
    root = Tree.Element(
        "svg",
        {
            "xmlns": NAMESPACE,
            "width": str(picture.width),
            "height": str(picture.height),
            "viewBox": f"0 0 {picture.width} {picture.height}",
            "font-family": FONT,
            "role": "img",
        },
    )
    Tree.SubElement(root, "title").text = picture.title
    Tree.SubElement(root, "rect", {"width": "100%", "height": "100%", "fill": "#ffffff"})
    for shape in picture.shapes:
        if isinstance(shape, Rectangle):
            _rectangle(root, shape, tips)
        else:
            _text(root, shape)
    return Tree.tostring(root, encoding="unicode")


def _rectangle(root: Tree.Element, shape: Rectangle, tips: str) -> None:
    attributes = {
        "x": _number(shape.x),
        "y": _number(shape.y),
        "width": _number(shape.width),
        "height": _number(shape.height),
        "fill": hexadecimal(shape.fill),
    }
    if shape.kind:
        attributes["class"] = shape.kind
    if shape.group is not None:
        attributes["data-job"] = str(shape.group)
    if shape.tip and tips != "title":
        attributes[tips] = shape.tip
    element = Tree.SubElement(root, "rect", attributes)
    if shape.tip and tips == "title":
        Tree.SubElement(element, "title").text = shape.tip


def _text(root: Tree.Element, shape: Text) -> None:
    attributes = {
        "x": _number(shape.x),
        "y": _number(shape.y),
        "font-size": _number(shape.size),
        "fill": hexadecimal(shape.fill),
        "text-anchor": shape.anchor,
        "dy": "0.35em",
    }
    if shape.bold:
        attributes["font-weight"] = "600"
    if shape.anchor == "middle":
        attributes["pointer-events"] = "none"
    Tree.SubElement(root, "text", attributes).text = shape.text


def _number(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")


PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<style>
body {{ margin: 0; background: #fff; overflow-x: auto; }}
svg {{ display: block; }}
svg.chosen [data-job] {{ opacity: .18; }}
svg.chosen [data-job].chosen {{ opacity: 1; }}
#tip {{ position: fixed; display: none; max-width: 32em; padding: 6px 9px; border-radius: 5px;
  background: #1f2933; color: #fff; font: 13px/1.4 system-ui, sans-serif; pointer-events: none;
  white-space: pre-line; }}
</style>
<body>
{svg}
<div id="tip" role="status"></div>
<script>
const chart = document.querySelector("svg"), tip = document.getElementById("tip");
chart.addEventListener("pointermove", (event) => {{
  const text = event.target.dataset.tip;
  tip.style.display = text ? "block" : "none";
  if (!text) return;
  tip.textContent = text;
  tip.style.left = Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = Math.min(event.clientY + 16, innerHeight - tip.offsetHeight - 8) + "px";
}});
chart.addEventListener("pointerleave", () => {{ tip.style.display = "none"; }});
chart.addEventListener("click", (event) => {{
  const job = event.target.dataset.job;
  chart.classList.toggle("chosen", job !== undefined);
  for (const one of chart.querySelectorAll("[data-job]"))
    one.classList.toggle("chosen", one.dataset.job === job);
}});
</script>
</body>
</html>
"""


def page(picture: Picture) -> str:
    """Write a picture as a page of its own; a click on an operation shows its job alone."""
    return PAGE.format(title=escape(picture.title), svg=svg(picture, tips="data-tip"))
