"""The guide as a folder of pages that link each other: no network, no script."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gradient_diff.guide.heatmaps import to_svg
from gradient_diff.guide.mathml import to_mathml
from gradient_diff.guide.page import SHOWN_IN, Page, page_of
from gradient_diff.guide.skeletons import LAYOUTS
from gradient_diff.guide.words import RECORDS, said
from gradient_diff.names import readable_name
from gradient_diff.render.causes import equations_of, sentence
from gradient_diff.render.environment import environment_of
from gradient_diff.render.folder import whole_folder
from gradient_diff.render.templating import policy
from manual_mlp import Array

if TYPE_CHECKING:
    import jinja2

_INDEX = ("index.html", "All mistakes")
_LONG = 26  # signs: a longer formula may be wider than a phone
_TEMPLATES = Path(__file__).parent / "templates"


def write_guide(folder: Path) -> Path:
    """Write index.html and a page for each mistake, whole or not at all; return the index."""
    with whole_folder(folder) as building:
        names = list(RECORDS)
        for name, before, after in zip(names, ["", *names], [*names[1:], ""], strict=False):
            (building / f"{name}.html").write_text(mistake_page(name, before, after), "utf-8", newline="\n")
        (building / "index.html").write_text(index_page(), "utf-8", newline="\n")
    return folder / "index.html"


def pages_beside(names: Collection[str], home: tuple[str, str]) -> dict[str, str]:
    """Of some mistakes, for a folder beside a page that names them: they link each other, and home (address, title)."""
    return {name: mistake_page(name, among=names, home=home) for name in names}


def mistake_page(
    name: str,
    before: str = "",
    after: str = "",
    among: Collection[str] = RECORDS.keys(),
    home: tuple[str, str] = _INDEX,
) -> str:
    """One mistake, with links to its neighbours; of the others, to those that it lies among."""
    page = page_of(name)
    of, picture = _picture(page)
    return _render(
        "mistake.html.j2",
        page=page,
        said=said(name),
        korean=said(name, "ko"),
        equations=equations_of(page.cause) if page.cause else (),
        picture_of=of,
        picture=_trusted(picture),
        before=before,
        after=after,
        among=among,
        home=home,
        whole=home == _INDEX,
    )


def index_page() -> str:
    """By what is seen, and by family."""
    pages = [page_of(name) for name in RECORDS]
    families: dict[str, list[Page]] = {}
    for page in pages:
        families.setdefault("conventions" if page.record.convention else page.record.family, []).append(page)
    return _render(
        "index.html.j2",
        count=sum(not page.record.convention for page in pages),
        symptoms=by_symptom(pages),
        families=families,
        korean=lambda name: said(name, "ko"),
    )


def by_symptom(pages: Sequence[Page]) -> Mapping[str, list[tuple[Page, str]]]:
    """What is seen → the pages whose example shows it, with the numbers."""
    found: dict[str, list[tuple[Page, str]]] = {}
    for page in pages:
        for symptom in page.symptoms:
            found.setdefault(symptom.heading, []).append((page, symptom.words))
    return dict(sorted(found.items(), key=lambda item: len(item[1])))


def _picture(page: Page) -> tuple[str, str]:
    """(which array, its picture): the first that is off, a kernel where there is one."""
    off = [row for row in page.diff.rows if row.status.bad] if page.diff is not None else []
    if not off or page.diff is None:
        return "", ""
    row = next((row for row in off if np.ndim(page.diff.reference[row.name]) == 2), off[0])
    hand, right = (np.asarray(side[row.name]) for side in (page.diff.hand, page.diff.reference))
    shown: dict[str, Array] = {"wrong": hand, "right": right}
    if hand.shape == right.shape:
        shown["difference"] = hand - right
    return row.name, to_svg(shown)


def _formula(equation: str) -> Any:
    """Set as a formula; a long one can be scrolled, also by keyboard."""
    math = to_mathml(equation)
    if len(equation) > _LONG:
        math = f'<div class="scroll" tabindex="0" role="region" aria-label="{escape(equation)}">{math}</div>'
    return _trusted(math)


def _trusted(html: str) -> Any:
    """A piece of HTML of ours, not escaped."""
    from markupsafe import Markup

    return Markup(html)


def _render(template: str, **values: Any) -> str:
    text: str = _environment().get_template(template).render(**values)
    return text.strip() + "\n"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    environment = environment_of(_TEMPLATES)
    environment.globals |= {"css": _trusted((_TEMPLATES / "guide.css").read_text("utf-8").strip()), "policy": policy}
    environment.globals |= {"layouts": LAYOUTS, "shown_in": SHOWN_IN}
    environment.filters |= {"math": _formula, "sentence": sentence, "anchor": _anchor}
    return environment


def _anchor(heading: str) -> str:
    return "-".join(filter(None, readable_name(heading, gap="-").split("-"))).lower()
