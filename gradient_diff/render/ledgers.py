"""A matrix ledger as text, DataFrame and Markdown."""

from __future__ import annotations

import io
import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gradient_diff.ledger.ledger import Ledger, LedgerLine
from gradient_diff.render.markdown import escape, table
from gradient_diff.wording import printable
from manual_mlp.extend import is_gradient

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console
    from rich.table import Table

LEDGER_COLUMNS = (
    *("layer", "node", "formula", "shapes", "counterpart", "fits", "clash"),
    *("symbolic", "letters", "numbers"),
)
_GAP = 3


def to_frame(ledger: Ledger) -> pd.DataFrame:
    """One row per equation.

    Args:
        ledger: of a network.

    Returns:
        A DataFrame with the columns `LEDGER_COLUMNS`.

    Example:
        >>> from gradient_diff import ledger
        >>> from manual_mlp import MLP, Dense
        >>> to_frame(ledger(MLP(3, [Dense(2)]), "mse", 4))["numbers"][5]
        '(3, 4)(4, 2) → (3, 2)'
    """
    import pandas as pd

    return pd.DataFrame([[getattr(line, c) for c in LEDGER_COLUMNS] for line in ledger], columns=list(LEDGER_COLUMNS))


def to_markdown(ledger: Ledger) -> str:
    """A GitHub table.

    Args:
        ledger: of a network.

    Returns:
        The text.

    Example:
        >>> from gradient_diff import ledger
        >>> from manual_mlp import MLP, Dense
        >>> print(to_markdown(ledger(MLP(3, [Dense(2)]), "mse", 4)).splitlines()[9])
        | dense_1 | dE/dW⁽¹⁾ = xᵀ δ⁽¹⁾ | (n₀, N)(N, n₁) → (n₀, n₁) | (3, 4)(4, 2) → (3, 2) | fits |
    """
    titles = ["layer", "equation", "in letters", "in numbers", "fits"]
    rows = [[line.layer, line.symbolic, line.letters, line.numbers, fit(line)] for line in ledger]
    head = [f"**{escape(f'Matrix ledger: {ledger.title}')}**", ""] if ledger.title else []
    tail = ["", escape(ledger.advice)] if ledger.advice else []
    return "\n".join([*head, *table(titles, [False] * 5, rows), *tail]) + "\n"


def to_text(ledger: Ledger, width: int | None = None) -> str:
    """The ledger as plain text.

    Args:
        ledger: of a network.
        width: columns to fill; None for the terminal's, or 100 where there is none.

    Returns:
        The text, without colour and trailing spaces; where it is narrow, the shapes stand below their equation.

    Example:
        >>> from gradient_diff import ledger
        >>> from manual_mlp import MLP, Dense
        >>> print(to_text(ledger(MLP(3, [Dense(2)]), "mse", 4).of("dense_1/u", "dense_1/kernel"), 120))
        Matrix ledger: 3-2, mean_squared_error, batch 4
        <BLANKLINE>
        forward
        dense_1    u⁽¹⁾ = x W⁽¹⁾ + b⁽¹⁾   (N, n₀)(n₀, n₁) + (n₁,) → (N, n₁)   (4, 3)(3, 2) + (2,) → (4, 2)   fits
        backward
        dense_1    dE/dW⁽¹⁾ = xᵀ δ⁽¹⁾     (n₀, N)(N, n₁) → (n₀, n₁)           (3, 4)(4, 2) → (3, 2)          fits
    """
    from rich.console import Console

    width = shutil.get_terminal_size((100, 24)).columns if width is None else width
    console = Console(file=io.StringIO(), width=width, color_system=None, force_terminal=False, legacy_windows=False)
    print_ledger(ledger, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # it is the StringIO above
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip()


def print_ledger(ledger: Ledger, console: Console | None = None) -> None:
    """Print the ledger, coloured where the console can.

    Args:
        ledger: of a network.
        console: a rich Console; None for one on the standard output.

    Example:
        >>> from gradient_diff import ledger
        >>> from manual_mlp import MLP, Dense
        >>> print_ledger(ledger(MLP(3, [Dense(2)]), "mse", 4))  # doctest: +ELLIPSIS
        Matrix ledger: 3-2, mean_squared_error, batch 4
        ...
    """
    from rich.console import Console
    from rich.text import Text

    console = console or Console()
    if ledger.title:
        console.print(Text(printable(f"Matrix ledger: {ledger.title}"), "bold"))
        console.print()
    console.print(_table(ledger, console.width), highlight=False)
    if ledger.advice:
        console.print(Text(f"\n{ledger.advice}", "yellow"))


def fit(line: LedgerLine) -> str:
    """`fits`, or what does not.

    Args:
        line: of a ledger.

    Returns:
        The text.

    Example:
        >>> fit(LedgerLine("", "", "", "", "", False, "given (2, 3)"))
        '✗ given (2, 3)'
    """
    return "fits" if line.fits else f"✗ {line.clash}"


def _table(ledger: Ledger, width: int) -> Table:
    """One line per equation; where that is too wide, its shapes stand below it, side by side or one below the other."""
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    rows = [tuple(map(printable, (x.layer, x.symbolic, x.letters, x.numbers, fit(x)))) for x in ledger]
    layers, symbols, letters, numbers, fits = (max(map(cell_len, c), default=0) for c in zip(*rows, strict=True))
    shapes = letters + _GAP + numbers
    outside = layers + fits + 3 * _GAP
    pads = (symbols, letters) if outside + symbols + _GAP + shapes <= width else (0, letters)
    breaks = ("", "") if pads[0] else ("\n", "" if outside + shapes <= width else "\n")
    result = Table(box=None, padding=(0, _GAP, 0, 0), show_edge=False, pad_edge=False, show_header=False)
    for part, line, (layer, symbolic, letter, number, text) in zip(_parts(ledger), ledger, rows, strict=True):
        if part:
            result.add_row(Text(part, "bold"))
        style = "green" if line.fits else "bold red"
        first = symbolic + (breaks[0] or " " * (pads[0] - cell_len(symbolic) + _GAP))
        second = letter + (breaks[1] or " " * (pads[1] - cell_len(letter) + _GAP))
        equation = Text.assemble(first, (second, "dim"), (number, "" if line.fits else style))
        result.add_row(layer, equation, Text("".join(breaks) + text, style))
    return result


def _parts(ledger: Ledger) -> Iterator[str]:
    """A heading before the first line of forward, loss and backward; else nothing."""
    last = ""
    for line in ledger:
        part = "loss" if line.node == "loss" else "backward" if is_gradient(line.node) else "forward"
        yield part if part != last else ""
        last = part
