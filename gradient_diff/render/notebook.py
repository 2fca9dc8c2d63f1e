"""A comparison as a notebook shows it: readable without any style, in the theme's own colours, the rest folded.

JupyterLab strips the style of a notebook that it does not trust, and a theme may be dark: nothing hangs on colour, what
belongs together stands in sentences and tables, and every ink is inherited.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradient_diff.render import code_words
from gradient_diff.render.causes import equations_of, heading, located, notes, sentence, shown
from gradient_diff.render.code_terminal import code_text
from gradient_diff.render.columns import COLUMNS, row_sheet
from gradient_diff.render.environment import environment_of
from gradient_diff.render.ledgers import ledger_sheet
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.wording import mark, printable

if TYPE_CHECKING:
    import jinja2

_TEMPLATES = Path(__file__).parent / "templates"
_MOST = 12  # rows that stand open
_SHOWN = ("node", "status", "shape", "relative L2", "σ")
_WIDTH = 76  # of source lines: JupyterLab breaks longer ones


def to_cell(diff: GradientDiff) -> str:
    """The verdict, the causes, at most 12 rows; folded below: the other rows, all that was measured, the ledger."""
    first, rest = _parted(diff.rows)
    columns = sorted((c for c in COLUMNS if c.title in _SHOWN), key=lambda column: _SHOWN.index(column.title))
    text: str = (
        _environment()
        .get_template("cell.html.j2")
        .render(
            diff=diff,
            headline=diff.headline().removeprefix(diff.verdict.name).lstrip(":, "),
            heading=heading(diff),
            causes=shown(diff),
            line=code_text(diff, _WIDTH).strip("\n").removeprefix(code_words.HEADING).strip("\n"),
            line_title=code_words.HEADING if code_words.findings_of(diff) else "Why no line is named",
            first=row_sheet(first, columns),
            rest=row_sheet(rest, columns),
            all_right=all(row.status.ok for row in rest),
            full=row_sheet(diff.rows),
            ledger=ledger_sheet(diff.ledger),
        )
    )
    return text.strip() + "\n"


def _parted(rows: Sequence[Row]) -> tuple[list[Row], list[Row]]:
    """The rows to look at first, and the others, each in the order of the computation.

    What is off by itself comes before what only follows from it, and that before what is right.
    """
    order = list(Status)
    grave = sorted(rows, key=lambda row: (row.status.ok, row.downstream, order.index(row.status)))
    chosen = {id(row) for row in grave[:_MOST]}
    return [row for row in rows if id(row) in chosen], [row for row in rows if id(row) not in chosen]


@lru_cache(maxsize=1)
def _environment() -> jinja2.Environment:
    from markupsafe import Markup

    environment = environment_of(_TEMPLATES)
    css: Any = Markup((_TEMPLATES / "cell.css").read_text("utf-8"))
    environment.globals |= {"css": css}
    environment.filters |= {"mark": mark, "printable": printable, "sentence": sentence}
    environment.filters |= {"located": located, "equations": equations_of, "notes": notes}
    return environment
