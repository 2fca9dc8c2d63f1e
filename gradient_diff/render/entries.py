"""The entries that are furthest apart, tensor by tensor, with both values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradient_diff.metrics.record import Entry
from gradient_diff.render.markdown import table, titled
from gradient_diff.wording import apart, index, number, printable

if TYPE_CHECKING:
    from rich.console import Console

Entries = Mapping[str, Sequence[Entry]]
_TITLES = ("node", "at", "hand", "reference", "|diff|")


def print_entries(entries: Entries, console: Console | None = None) -> None:
    """Print them as a table.

    Args:
        entries: from `worst_entries`.
        console: a rich Console; None for one on the standard output.

    Example:
        >>> from rich.console import Console
        >>> print_entries({"w": [Entry((2,), 3.0, 5.0)]}, Console(width=60))
        node  at   hand  reference   |diff|
        ───────────────────────────────────
        w     [2]     3          5  2.0e+00
    """
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False, header_style="bold")
    for title in _TITLES:
        words = title in _TITLES[:2]
        drawn.add_column(title, justify="left" if words else "right", overflow="fold", no_wrap=not words)
    for cells in _cells(entries):
        drawn.add_row(*map(Text, cells))
    (console or Console()).print(drawn, soft_wrap=False, highlight=False)


def entries_to_markdown(entries: Entries) -> str:
    r"""The same as a GitHub table below a heading; nothing where all is equal.

    Args:
        entries: from `worst_entries`.

    Returns:
        The text, an empty one where there are none.

    Example:
        >>> entries_to_markdown({"w": [Entry((2,), 3.0, 5.0)]}).splitlines()[-1]
        '| w | \\[2\\] | 3 | 5 | 2.0e+00 |'
    """
    rows = table(_TITLES, [False, False, True, True, True], list(_cells(entries)))
    return "\n".join([*titled("Worst entries", rows), ""]) if entries else ""


def entries_to_data(entries: Entries) -> list[dict[str, Any]]:
    """The same as plain data, numbers with all their digits.

    Args:
        entries: from `worst_entries`.

    Returns:
        One dict per entry: node, index, hand, reference.

    Example:
        >>> entries_to_data({"w": [Entry((2,), 3.0, 5.0)]})
        [{'node': 'w', 'index': [2], 'hand': 3.0, 'reference': 5.0}]
    """
    return [
        {"node": node, "index": list(entry.index), "hand": entry.hand, "reference": entry.reference}
        for node, found in entries.items()
        for entry in found
    ]


def _cells(entries: Entries) -> Iterator[tuple[str, ...]]:
    for node, found in entries.items():
        for place, entry in enumerate(found):
            values = apart(entry.hand, entry.reference)
            distance = number(abs(entry.hand - entry.reference))
            yield (printable(node) if not place else "", index(entry.index), *values, distance)
