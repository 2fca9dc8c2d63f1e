"""A table described once, and its writers: for the terminal, as Markdown, as CSV, as records and as a DataFrame.

A page's template reads the same sheets.
"""

from __future__ import annotations

import csv
import io
import re
import shutil
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from gradient_diff.wording import printable

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console, OverflowMethod
    from rich.table import Table
    from rich.text import Text

T = TypeVar("T")

STYLES = {"good": "green", "bad": "bold red", "open": "yellow"}
GAP = 2  # spaces between columns


@dataclass(frozen=True)
class Sheet:
    """Titles above rows of cells: texts for eyes, or values as they are for files.

    Attributes:
        titles: of the columns.
        cells: row by row.
        numeric: titles of the columns that are aligned to the right.
        tones: good, bad or open, for each row; empty where rows have none.
        toned: the title of the column that shows it.
    """

    titles: tuple[str, ...]
    cells: tuple[tuple[Any, ...], ...]
    numeric: tuple[str, ...] = ()
    tones: tuple[str, ...] = ()
    toned: str = ""


def to_table(
    sheet: Sheet,
    *,
    head: bool = True,
    whole: Collection[str] = (),
    overflow: OverflowMethod = "fold",
    widest: int | None = None,
) -> Table:
    """A table of rich; the cells of `whole` columns are not broken, and the first column may be cut to `widest`."""
    from rich import box
    from rich.table import Table

    table = Table(
        box=box.SIMPLE_HEAD if head else None,
        padding=(0, GAP - 1 if head else GAP, 0, 0),  # the box brings one space itself
        show_edge=False,
        pad_edge=False,
        show_header=head,
        header_style="bold",
    )
    for place, title in enumerate(sheet.titles):
        side, limit = "right" if title in sheet.numeric else "left", None if place else widest
        table.add_column(title, justify=side, no_wrap=title in whole, overflow=overflow, max_width=limit)  # type: ignore[arg-type]
    for cells, tone in zip(sheet.cells, sheet.tones or [""] * len(sheet.cells), strict=True):
        styles = [STYLES.get(tone, "") if title == sheet.toned else "" for title in sheet.titles]
        table.add_row(*map(to_rich, cells, styles))
    return table


def to_rich(text: str, style: str = "") -> Text:
    """Text, never markup or control characters: a name such as [red] means nothing."""
    from rich.text import Text

    return Text("\n".join(map(printable, text.split("\n"))), style)


def to_plain(show: Callable[[T, Console], None], value: T, width: int | None = None) -> str:
    """What `show` prints, without colour and trailing spaces, for a terminal's width, or 100 where there is none."""
    from rich.console import Console

    width = shutil.get_terminal_size((100, 24)).columns if width is None else width
    file = io.StringIO()
    show(
        value,
        Console(
            file=file, width=width, color_system=None, force_terminal=False, force_jupyter=False, legacy_windows=False
        ),
    )
    return "\n".join(line.rstrip() for line in file.getvalue().splitlines()).rstrip()


def to_markdown(sheet: Sheet) -> list[str]:
    """A GitHub table, line by line; whatever a cell holds is shown and not interpreted."""
    rule = ["---:" if title in sheet.numeric else "---" for title in sheet.titles]
    head, *rows = ([escape(cell) for cell in cells] for cells in (sheet.titles, *sheet.cells))
    return [f"| {' | '.join(cells)} |" for cells in (head, rule, *rows)]


def escape(text: str) -> str:
    r"""Markdown's and HTML's own characters escaped; an underscore inside a word means nothing and stays."""
    text = re.sub(r"([\\`*\[\]|~$])|(?<!\w)_|_(?!\w)", lambda found: "\\" + found[0], printable(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def ticked(text: str) -> str:
    """The same, but that code between backticks stays code: it is read and copied as it is."""
    parts = printable(text).split("`")
    if len(parts) % 2 == 0 or not all(parts[1::2]):
        return escape(text)
    return "".join(f"`{part}`" if place % 2 else escape(part) for place, part in enumerate(parts))


def titled(title: str, lines: Sequence[str]) -> list[str]:
    """Lines below a Markdown heading; nothing where there are none."""
    return ["", f"### {title}", "", *lines] if lines else []


def to_csv(sheet: Sheet) -> str:
    r"""CSV with a head line and `\n` line ends, numbers with all their digits; what is missing or NaN is empty.

    Control characters are spelled out, and what a spreadsheet would take for a formula gets an apostrophe.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(sheet.titles)
    writer.writerows(["" if cell != cell else _inert(cell) for cell in cells] for cells in sheet.cells)
    return text.getvalue()


def _inert(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    plain = printable(cell)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain


def to_records(sheet: Sheet) -> list[dict[str, Any]]:
    """One dict per row, title → cell."""
    return [dict(zip(sheet.titles, cells, strict=True)) for cells in sheet.cells]


def to_frame(sheet: Sheet) -> pd.DataFrame:
    """The cells as they are."""
    import pandas as pd

    return pd.DataFrame(map(list, sheet.cells), columns=list(sheet.titles))
