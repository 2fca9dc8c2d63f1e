"""A figure of matplotlib's as SVG for a page: its greys follow the page's ink, its images are rectangles.

There is no `style` in it and no link, so that it stands under a policy that allows none; names are its own.
"""

from __future__ import annotations

import base64
import hashlib
import io
import itertools
import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
from markupsafe import Markup

from gradient_diff.wording import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SVG, _LINK = "{http://www.w3.org/2000/svg}", "{http://www.w3.org/1999/xlink}href"
_KEPT = re.compile(r"(fill|stroke|opacity|font-size|font-weight|text-anchor)(-\w+)?")
_STEPS = 24  # of each colour channel of an image: neighbours of nearly one colour become one rectangle


def svg_of(drawn: Figure, name: str) -> Markup:
    """The drawing, with a name for those who do not see it.

    Args:
        drawn: any figure; it is not changed.
        name: what it shows; also tells its own ids from those of other drawings on the page.

    Returns:
        An svg element.

    Example:
        >>> from matplotlib.figure import Figure
        >>> svg_of(Figure((2, 1)), "nothing")[:39]
        Markup('<svg width="192" height="96" viewBox="0')
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_svg import FigureCanvasSVG

    file = io.BytesIO()
    for image in (image for axes in drawn.axes for image in axes.get_images()):
        image.set_interpolation("none")  # so that its own cells are written, and not pixels
    settings = {"svg.fonttype": "none", "svg.hashsalt": "gradient-diff", "image.composite_image": False}
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with mpl.rc_context(settings):  # type: ignore[arg-type]  # its keys are literals there
        FigureCanvasSVG(drawn).print_svg(file, metadata=nothing)  # type: ignore[no-untyped-call]  # matplotlib's
    root = ET.fromstring(file.getvalue())  # our own
    prefix = f"f{hashlib.sha256(name.encode()).hexdigest()[:8]}-"
    for parent in root.iter():
        _without_head(parent)
        _plain(parent, prefix)
    _images(root)
    left, top, wide, high = map(float, root.get("viewBox", "").split())
    root.attrib.clear()
    root.attrib |= {"width": f"{wide * 4 / 3:.0f}", "height": f"{high * 4 / 3:.0f}"}
    root.attrib |= {"viewBox": f"{left:g} {top:g} {wide:g} {high:g}", "class": "gd-plot", "role": "img"}
    root.attrib |= {"aria-label": printable(name), "stroke-linejoin": "round", "stroke-linecap": "butt"}
    text = ET.tostring(root, encoding="unicode")
    return Markup(re.sub(r"(</?)svg:|\s*xmlns(:\w+)?=\"[^\"]*\"|>\s+<", _tidy, text.replace("ns0:", "")))


def _tidy(found: re.Match[str]) -> str:
    return "><" if found[0].startswith(">") else found[1] or ""


def _without_head(parent: ET.Element) -> None:
    """What speaks to other programs, or to the whole page."""
    for child in [c for c in parent if c.tag in (f"{_SVG}metadata", f"{_SVG}style") or c.tag.endswith("}metadata")]:
        parent.remove(child)


def _plain(element: ET.Element, prefix: str) -> None:
    """Declarations of `style` become attributes, ids and links to them its own."""
    words = element.tag == f"{_SVG}text"
    for key, value in _declared(element.attrib.pop("style", "")):
        element.set(key, _ink(value, words) if key in ("fill", "stroke") else value)
    for key, value in [*element.attrib.items()]:
        if key == "id":
            element.set(key, prefix + value)
        elif key == _LINK and value.startswith("#"):
            del element.attrib[key]
            element.set("href", f"#{prefix}{value[1:]}")
        elif "url(#" in value:
            element.set(key, value.replace("url(#", f"url(#{prefix}"))


def _declared(style: str) -> Iterator[tuple[str, str]]:
    for part in filter(None, map(str.strip, style.split(";"))):
        key, _, value = (text.strip() for text in part.partition(":"))
        if key == "font":
            weight = re.match(r"(bold|\d{3})\s", value)
            size = re.search(r"([\d.]+)px", value)
            yield from ((("font-weight", weight[1]),) if weight else ())
            yield from ((("font-size", size[1]),) if size else ())
        elif _KEPT.fullmatch(key):
            yield key, value


def _ink(colour: str, words: bool) -> str:
    """Black is the page's ink and white its paper; other greys are as much of its ink as of black."""
    if not re.fullmatch("#[0-9a-f]{6}", colour):
        return colour
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    if not red == green == blue or (words and red > 200):
        return colour
    share = round(100 * (255 - red) / 255)
    return (
        "none"
        if not share
        else "currentColor"
        if share > 60
        else f"color-mix(in srgb, currentColor {share}%, transparent)"
    )


def _images(root: ET.Element) -> None:
    """Each image as the cells that it has."""
    for parent in [*root.iter()]:
        for place, child in enumerate([*parent]):
            if child.tag == f"{_SVG}image":
                parent.remove(child)
                parent.insert(place, _cells(child))


def _cells(image: ET.Element) -> ET.Element:
    from PIL import Image

    data = base64.b64decode(image.get(_LINK, "").partition(",")[2])
    pixels = np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))
    wide, high = float(image.get("width", 1)), float(image.get("height", 1))
    group = ET.Element(f"{_SVG}svg", {"x": image.get("x", "0"), "y": image.get("y", "0"), "width": f"{wide:g}"})
    group.attrib |= {"height": f"{high:g}", "viewBox": f"0 0 {pixels.shape[1]} {pixels.shape[0]}"}
    group.attrib |= {"preserveAspectRatio": "none", "shape-rendering": "crispEdges"}
    for colour, path in _runs(pixels).items():
        ET.SubElement(group, f"{_SVG}path", {"d": path, "fill": colour})
    outer = ET.Element(f"{_SVG}g", {k: v for k, v in image.attrib.items() if k in ("transform", "clip-path")})
    outer.append(group)
    return outer


def _runs(pixels: np.ndarray[tuple[int, ...], np.dtype[np.uint8]]) -> dict[str, str]:
    """Colour → its cells; what is transparent is left out."""
    step = 255 / (_STEPS - 1)
    few = np.rint(np.rint(pixels / step) * step).astype(int)
    found: dict[str, list[str]] = {}
    for y, row in enumerate(few.tolist()):
        x = 0
        for (red, green, blue, opaque), run in itertools.groupby(map(tuple, row)):
            count = len([*run])
            if opaque:
                found.setdefault(f"#{red:02x}{green:02x}{blue:02x}", []).append(f"M{x} {y}h{count}v1h-{count}z")
            x += count
    return {colour: "".join(parts) for colour, parts in found.items()}
