"""SVG as text: drawn inline it takes the page's colours, and as a file it brings its own, light and dark."""

from __future__ import annotations

from pathlib import Path

from markupsafe import Markup, escape

from gradient_diff.wording import printable

TEMPLATES = Path(__file__).parents[1] / "templates"
STYLES = ("colours.css", "drawing.css")  # of a drawing that stands alone; a page has them, too


def tag(name: str, *inside: str, **attributes: object) -> Markup:
    """An element; of an attribute's name `_` is `-`, and what is None is left out. No `style`: policies forbid it."""
    given = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items() if value is not None)
    head = "".join(f' {key}="{escape(_short(value))}"' for key, value in given)
    body = "".join(escape(part) for part in inside)
    return Markup(f"<{name}{head}>{body}</{name}>" if body else f"<{name}{head}/>")


def _short(value: object) -> object:
    return f"{value:.5g}" if isinstance(value, float) else printable(value) if isinstance(value, str) else value


def text(words: str, x: float, y: float, class_: str = "", anchor: str | None = None) -> Markup:
    """Words at a place, without control characters."""
    return tag("text", printable(words), x=x, y=y, class_=class_ or None, text_anchor=anchor)


def drawing(width: float, height: float, name: str, *inside: str, class_: str = "gd-drawing") -> Markup:
    """A whole drawing with a name for those who do not see it."""
    size = {"width": round(width), "height": round(height), "viewBox": f"0 0 {width:.5g} {height:.5g}"}
    return tag("svg", *inside, **size, class_=class_, role="img", aria_label=name)


def placed(inner: Markup, x: float, y: float) -> Markup:
    """A drawing at a place in another one."""
    return Markup(str(inner).replace("<svg", f'<svg x="{x:.5g}" y="{y:.5g}"', 1))


def standing_alone(inline: str) -> str:
    """The same as a file of its own."""
    style = "".join((TEMPLATES / name).read_text("utf-8") for name in STYLES)
    head, rest = str(inline).split(">", 1)
    head = head.replace('class="', 'class="gd ', 1).replace("<svg", '<svg xmlns="http://www.w3.org/2000/svg"', 1)
    return f"{head}><style>{style}</style>{rest}\n"
