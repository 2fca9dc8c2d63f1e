"""The templates of pages, and what they may ask."""

from __future__ import annotations

import base64
import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradient_diff.names import readable_name
from gradient_diff.render import answers, code_words
from gradient_diff.render.causes import equations_of, heading, located, named, notes, sentence, shown, title_of
from gradient_diff.render.code_lines import CodeLine, code_lines, lines_around
from gradient_diff.render.columns import COLUMNS
from gradient_diff.render.details import to_details
from gradient_diff.render.environment import environment_of
from gradient_diff.render.excerpts import lit_parts, shown_line
from gradient_diff.render.figures.bars import accumulated_bar, axis, ladder_scale, own_bar
from gradient_diff.render.figures.heatmap import heatmap, legend
from gradient_diff.render.figures.layers import layers_figure
from gradient_diff.render.figures.network import network_figures
from gradient_diff.render.ladder import MOST, opened, rungs, told
from gradient_diff.render.ledgers import ledger_sheet
from gradient_diff.render.sheet import Sheet
from gradient_diff.result.code import bare, origin_name
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.wording import apart, entry, index, mark, number, printable, shape, sigmas, tone
from manual_mlp.extend import is_gradient

if TYPE_CHECKING:
    import jinja2
    import pandas as pd

TEMPLATES = Path(__file__).parent / "templates"
PAGE_STYLES = ("colours.css", "drawing.css", "diff.css", "page.css")
_LADDER = ("node", "shape", "σ", "own σ", "relative L2", "status")  # what the ladder shows already
_WORST = 10


def render(template: str, **values: Any) -> str:
    """A template with its values."""
    text: str = environment().get_template(template).render(**values)
    return text.strip() + "\n"


def styles(*names: str) -> Any:
    """Style sheets of ours, one after the other, not escaped."""
    from markupsafe import Markup

    return Markup("\n" + "".join((TEMPLATES / name).read_text("utf-8") for name in names))


def policy(style: str) -> str:
    """What a page may do: apply this very style, and nothing else."""
    digest = base64.b64encode(hashlib.sha256(str(style).encode()).digest()).decode()
    return f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


@lru_cache(maxsize=1)
def environment() -> jinja2.Environment:
    """Made once; whatever is not asked for by name below is escaped."""
    made = environment_of(TEMPLATES)
    made.globals |= {"columns": COLUMNS, "style": styles, "policy": policy}
    made.globals |= {"ledger_sheet": _ledger_sheet, "frame_sheet": _frame_sheet}
    made.globals |= {"entries_sheet": _entries_sheet, "numbers_sheet": _numbers_sheet, "clashes": _clashes}
    made.globals |= {"cause_name": located, "cause_notes": notes, "causes_shown": shown}
    made.globals |= {"cause_title": title_of, "named_by": named}
    made.globals |= {"cause_equations": equations_of, "heading": heading, "heading_of": answers.headline}
    made.globals |= {"what_is_wrong": answers.what_is_wrong, "what_to_change": answers.what_to_change}
    made.globals |= {"remarks": answers.remarks, "finding_of": answers.finding_of, "where": answers.where}
    made.globals |= {"code_words": code_words, "code_lines": code_lines, "lines_around": lines_around}
    made.globals |= {
        "rungs": rungs,
        "opened": opened,
        "told": told,
        "many": MOST,
        "place_of": _place_of,
        "cells": _Cells,
    }
    made.globals |= {"ladder_scale": ladder_scale, "axis": axis, "accumulated_bar": accumulated_bar, "own_bar": own_bar}
    made.globals |= {"heatmap": heatmap, "legend": legend}
    made.globals |= {"layers_figure": layers_figure, "network_figures": network_figures}
    made.filters |= {"sentence": sentence, "details": to_details, "number": number, "shape": shape}
    made.filters |= {"tone": tone, "mark": mark, "printable": printable, "thousands": "{:,}".format, "lines": _lines}
    made.filters |= {
        "anchor": anchor,
        "lit": _lit,
        "spread": _spread,
        "bare": bare,
        "origin": origin_name,
        "one_line": code_words.one_line,
    }
    made.tests |= {"kernel_gradient": lambda name: is_gradient(name, "kernel")}
    return made


class _Cells:
    """The texts of the ladder's columns."""

    shape = staticmethod(next(c.cell for c in COLUMNS if c.title == "shape"))
    distance = staticmethod(next(c.cell for c in COLUMNS if c.title == "σ"))
    relative = staticmethod(next(c.cell for c in COLUMNS if c.title == "relative L2"))

    @staticmethod
    def own(row: Row) -> str:
        """The hand's, and behind a stroke the reference's."""
        sides = (row.isolated_hand, row.isolated_reference)
        return "–" if sides == (None, None) else " | ".join("–" if s is None else sigmas(s) for s in sides)


def _place_of(diff: GradientDiff, name: str) -> int:
    """A row's number, which its anchor ends in: names may hold anything."""
    return next(i for i, row in enumerate(diff.rows, 1) if row.name == name)


def _lit(line: CodeLine) -> list[tuple[str, bool]]:
    """A line of source in parts, each with whether it is to blame."""
    return lit_parts(line.number, line.text, line.spans)


def _lines(text: str) -> str:
    """A paragraph, whose line breaks are kept."""
    return "\n".join(map(printable, text.split("\n")))


def _spread(line: str) -> str:
    """A line of source as it is shown."""
    return shown_line(line).text


def anchor(words: str) -> str:
    """What a link to a section ends in: its heading without what a link cannot hold."""
    return "-".join(filter(None, readable_name(words, gap="-").split("-"))).lower()


def _numbers_sheet(rows: Sequence[Row]) -> Sheet:
    """What the ladder does not show."""
    columns = [COLUMNS[0], *(c for c in COLUMNS if c.title not in _LADDER)]
    cells = tuple(tuple(c.cell(row) for c in columns) for row in rows)
    return Sheet(tuple(c.title for c in columns), cells, tuple(c.title for c in columns if c.numeric))


def _entries_sheet(row: Row) -> Sheet:
    """The worst entries of one row."""
    numeric = ("hand", "reference", "|difference|")
    found = row.metrics.worst[:_WORST] if row.metrics else ()
    cells = tuple(
        (index(e.index) or "·", *apart(e.hand, e.reference), number(abs(e.hand - e.reference))) for e in found
    )
    return Sheet(("at", *numeric), cells, numeric)


def _clashes(diff: GradientDiff) -> bool:
    return not all(line.fits for line in diff.ledger)


def _ledger_sheet(diff: GradientDiff, most: int | None = None) -> Sheet:
    asked = ledger_sheet([*diff.ledger][:most])
    return replace(asked, titles=(*asked.titles[:-1], "fits?"), toned="fits?")


def _frame_sheet(frame: pd.DataFrame) -> Sheet:
    """An experiment's table."""
    titles = tuple(map(_cell, frame.columns))
    numeric = tuple(title for title, dtype in zip(titles, frame.dtypes, strict=True) if dtype.kind in "iuf")
    cells = tuple(tuple(map(_cell, record)) for record in frame.itertuples(index=False, name=None))
    return Sheet(titles, cells, numeric)


def _cell(value: Any) -> str:
    """A cell of an experiment's table: floats to 6 digits, a dash where nothing is known."""
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return "–"
    if isinstance(value, float):
        return "–" if math.isnan(value) else entry(float(value), 6)
    return printable(str(value))
