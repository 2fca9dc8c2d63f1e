"""A matrix ledger: its sheets, and a layout of its own for the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from gradient_diff.ledger.ledger import Ledger, LedgerLine
from gradient_diff.render import sheet
from gradient_diff.render.sheet import STYLES, Sheet, escape, to_plain, to_rich
from gradient_diff.wording import printable
from manual_mlp.extend import is_gradient

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

_FIELDS = (
    *("layer", "node", "formula", "shapes", "counterpart", "fits", "clash"),
    *("symbolic", "letters", "numbers"),
)
_GAP = 3


def ledger_data(ledger: Iterable[LedgerLine]) -> Sheet:
    """The lines for files, as they are."""
    return Sheet(_FIELDS, tuple(tuple(getattr(line, name) for name in _FIELDS) for line in ledger))


def ledger_sheet(ledger: Iterable[LedgerLine]) -> Sheet:
    """The lines beside a comparison: what is there, and what it must fit."""
    lines = list(ledger)
    cells = tuple((x.layer, x.formula, x.shapes, x.counterpart, _fit(x)) for x in lines)
    return Sheet(("layer", "equation", "shapes", "must fit", "fits"), cells, (), tuple(map(_tone, lines)), "fits")


def indexed_sheet(ledger: Iterable[LedgerLine]) -> Sheet:
    """The lines of a ledger that stands alone: layer-indexed, in letters and in numbers."""
    lines = list(ledger)
    cells = tuple((x.layer, x.symbolic, x.letters, x.numbers, _fit(x)) for x in lines)
    return Sheet(("layer", "equation", "in letters", "in numbers", "fits"), cells, (), tuple(map(_tone, lines)), "fits")


def _fit(line: LedgerLine) -> str:
    return "fits" if line.fits else f"✗ {line.clash}"


def _tone(line: LedgerLine) -> str:
    return "good" if line.fits else "bad"


def to_frame(ledger: Ledger) -> pd.DataFrame:
    """One row per equation."""
    return sheet.to_frame(ledger_data(ledger))


def to_markdown(ledger: Ledger) -> str:
    """A GitHub table."""
    head = [f"**{escape(f'Matrix ledger: {ledger.title}')}**", ""] if ledger.title else []
    tail = ["", escape(ledger.advice)] if ledger.advice else []
    return "\n".join([*head, *sheet.to_markdown(indexed_sheet(ledger)), *tail]) + "\n"


def to_text(ledger: Ledger, width: int | None = None) -> str:
    """Plain text; where it is narrow, the shapes stand below their equation."""
    return to_plain(print_ledger, ledger, width)


def print_ledger(ledger: Ledger, console: Console | None = None) -> None:
    """Print the ledger, coloured where the console can."""
    from rich.console import Console

    console = console or Console()
    if ledger.title:
        console.print(to_rich(f"Matrix ledger: {ledger.title}", "bold"))
        console.print()
    if ledger:
        console.print(_table(ledger, console.width), highlight=False)
    if ledger.advice:
        console.print(to_rich(f"\n{ledger.advice}", "yellow"))


def _table(ledger: Ledger, width: int) -> Table:
    """One line per equation; where that is too wide, its shapes stand below it, side by side or one below the other."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    lines = indexed_sheet(ledger)
    rows = [tuple(map(printable, cells)) for cells in lines.cells]
    layers, symbols, letters, numbers, fits = (max(map(cell_len, c), default=0) for c in zip(*rows, strict=True))
    shapes = letters + _GAP + numbers
    outside = layers + fits + 3 * _GAP
    pads = (symbols, letters) if outside + symbols + _GAP + shapes <= width else (0, letters)
    breaks = ("", "") if pads[0] else ("\n", "" if outside + shapes <= width else "\n")
    result = Table(box=None, padding=(0, _GAP, 0, 0), show_edge=False, pad_edge=False, show_header=False)
    for part, tone, (layer, symbolic, letter, number, text) in zip(_parts(ledger), lines.tones, rows, strict=True):
        if part:
            result.add_row(Text(part, "bold"))
        first = symbolic + (breaks[0] or " " * (pads[0] - cell_len(symbolic) + _GAP))
        second = letter + (breaks[1] or " " * (pads[1] - cell_len(letter) + _GAP))
        equation = Text.assemble(first, (second, "dim"), (number, STYLES["bad"] if tone == "bad" else ""))
        result.add_row(layer, equation, Text("".join(breaks) + text, STYLES[tone]))
    return result


def _parts(ledger: Ledger) -> Iterator[str]:
    """A heading before the first line of forward, loss and backward; else nothing."""
    last = ""
    for line in ledger:
        part = "loss" if line.node == "loss" else "backward" if is_gradient(line.node) else "forward"
        yield part if part != last else ""
        last = part
