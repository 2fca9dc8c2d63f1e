"""One self-contained HTML page: no network, no script; light and dark; readable on a phone and on paper."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradient_diff.names import readable_name
from gradient_diff.render import code_words
from gradient_diff.render.causes import equations_of, heading, located, notes, sentence, shown
from gradient_diff.render.code_lines import CodeLine, code_lines
from gradient_diff.render.columns import COLUMNS, Column
from gradient_diff.render.details import to_details
from gradient_diff.render.excerpts import lit_parts, shown_line
from gradient_diff.render.ledgers import ledger_sheet
from gradient_diff.render.sections import Figure, Section
from gradient_diff.render.sheet import Sheet
from gradient_diff.result.code import bare
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.wording import apart, entry, index, mark, number, printable, tone

if TYPE_CHECKING:
    import jinja2
    import pandas as pd

_TEMPLATES = Path(__file__).parent / "templates"
_PNG = b"\x89PNG\r\n\x1a\n"
_FIRST = {title: place for place, title in enumerate(("status", "shape", "σ", "own σ", "relative L2"))}
_WORST = 10  # rows in the table of worst entries


def to_html(
    diff: GradientDiff,
    title: str | None = None,
    figures: Mapping[str, Figure] | None = None,
    *,
    paragraphs: Sequence[str] = (),
    manifest: Mapping[str, Any] | None = None,
) -> str:
    """A page about one diff: verdict, rows, worst entries, matrix ledger, figures, manifest."""
    name = title or diff.title or f"{diff.hand_origin} against {diff.reference_origin}"
    return report_page(name, [Section("", paragraphs, diffs={"": diff}, figures=figures or {})], manifest)


def report_page(title: str, sections: Iterable[Section], manifest: Mapping[str, Any] | None = None) -> str:
    """A page of several sections, with a summary of the verdicts on top where there is more than one diff.

    Args:
        title: of the page.
        sections: in order.
        manifest: how the results were made, name → value; nested mappings are written as `outer.inner`.

    Returns:
        The HTML text.

    Raises:
        FileNotFoundError: a figure that is not there.
        ValueError: a figure that is no PNG.

    Example:
        >>> page = report_page("Sine", [Section("Method", ["One step of gradient descent."])], {"seed": 0})
        >>> page.startswith("<!DOCTYPE html>"), '<h2 id="method">Method</h2>' in page, "http" in page
        (True, True, False)
    """
    return _render("report.html.j2", title=title, sections=list(sections), manifest=_flat(manifest or {}))


def _render(template: str, **values: Any) -> str:
    text: str = _environment().get_template(template).render(**values)
    return text.strip() + "\n"


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {"columns": _columns(), "worst": _worst, "verdicts": _verdicts, "style": _style}
    environment.globals |= {"worst_sheet": _worst_sheet, "ledger_sheet": _ledger_sheet, "frame_sheet": _frame_sheet}
    environment.globals |= {
        "cause_heading": heading,
        "cause_name": located,
        "cause_equations": equations_of,
        "cause_notes": notes,
        "causes_shown": shown,
    }
    environment.globals |= {"code_words": code_words, "code_lines": code_lines}
    environment.filters |= {"sentence": sentence, "details": to_details}
    environment.filters |= {"tone": tone, "mark": mark, "printable": printable}
    environment.filters |= {"anchor": _anchor, "png": _base64, "lit": _lit, "spread": _spread}
    environment.filters |= {"bare": bare, "one_line": code_words.one_line}
    return environment


def _lit(line: CodeLine) -> list[tuple[str, bool]]:
    """A line of source in parts, each with whether it is to blame."""
    return lit_parts(line.number, line.text, line.spans)


def _spread(line: str) -> str:
    """A line of source as it is shown."""
    return shown_line(line).text


def _anchor(heading: str) -> str:
    """What a link to a section ends in: its heading without what a link cannot hold."""
    return "-".join(filter(None, readable_name(heading, gap="-").split("-"))).lower()


def _style(name: str) -> Any:
    """A style sheet of ours, not escaped."""
    from markupsafe import Markup

    return Markup((_TEMPLATES / name).read_text("utf-8"))


def _columns() -> list[Column]:
    """On a page what judges stands beside the name: what is right of it may need scrolling."""
    first, *others = COLUMNS
    return [first, *sorted(others, key=lambda column: _FIRST.get(column.title, len(_FIRST)))]


def _worst(diff: GradientDiff) -> list[Row]:
    """The rows with a difference, those that are off first, then by relative L2."""
    rows = [r for r in diff.rows if r.metrics is not None and r.metrics.differing]
    order = list(Status)
    return sorted(rows, key=lambda r: (order.index(r.status), -r.metrics.relative_l2 if r.metrics else 0))[:_WORST]


def _worst_sheet(rows: Sequence[Row]) -> Sheet:
    """The worst entry of each row: both values, with as many digits as tell them apart."""
    numeric = ("hand", "reference", "|difference|", "entries that differ", "of opposite sign")
    measured = [(row, row.metrics) for row in rows if row.metrics is not None]
    cells = tuple(
        (
            f"{printable(row.name)}{index(m.worst_index)}",
            *apart(m.worst_hand, m.worst_reference),
            number(m.max_abs_difference),
            f"{m.differing:,} of {m.size:,}",
            f"{m.sign_disagreements:,}",
        )
        for row, m in measured
    )
    return Sheet(("entry", *numeric), cells, numeric, tuple(tone(row.status) for row, _ in measured))


def _ledger_sheet(diff: GradientDiff) -> Sheet:
    asked = ledger_sheet(diff.ledger)
    return replace(asked, titles=(*asked.titles[:-1], "fits?"), toned="fits?")


def _frame_sheet(frame: pd.DataFrame) -> Sheet:
    """An experiment's table."""
    titles = tuple(map(_cell, frame.columns))
    numeric = tuple(title for title, dtype in zip(titles, frame.dtypes, strict=True) if dtype.kind in "iuf")
    cells = tuple(tuple(map(_cell, record)) for record in frame.itertuples(index=False, name=None))
    return Sheet(titles, cells, numeric)


def _verdicts(sections: Sequence[Section]) -> list[tuple[str, GradientDiff, str]]:
    """Every diff of the page: its name, itself, and the anchor of its place."""
    return [
        (" · ".join(filter(None, (section.heading, caption))), diff, f"diff-{i}-{j}")
        for i, section in enumerate(sections, 1)
        for j, (caption, diff) in enumerate(section.diffs.items(), 1)
    ]


def _cell(value: Any) -> str:
    """A cell of an experiment's table: floats to 6 digits, a dash where nothing is known."""
    import pandas as pd

    if value is None or value is pd.NA or value is pd.NaT:
        return "–"
    if isinstance(value, float):
        return "–" if math.isnan(value) else entry(float(value), 6)
    return printable(str(value))


def _base64(figure: Figure) -> str:
    content = figure if isinstance(figure, bytes) else Path(figure).read_bytes()
    if not content.startswith(_PNG):
        name = f"{content[:8]!r}…" if isinstance(figure, bytes) else str(figure)
        raise ValueError(f"The figure {name} is no PNG: save it with format='png'.")
    return base64.b64encode(content).decode("ascii")


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    flat: dict[str, str] = {}
    for name, value in values.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = printable(_words(value))
    return flat


def _words(value: Any) -> str:
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return "–" if value is None else str(value)
