"""The entries that are furthest apart, tensor by tensor, with both values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradient_diff.metrics.record import Entry
from gradient_diff.render.sheet import Sheet, titled, to_markdown, to_table
from gradient_diff.wording import apart, index, number, printable

if TYPE_CHECKING:
    from rich.console import Console

Entries = Mapping[str, Sequence[Entry]]
_NUMERIC = ("hand", "reference", "|diff|")


def print_entries(entries: Entries, console: Console | None = None) -> None:
    """Print what `worst_entries` found as a table."""
    from rich.console import Console

    drawn = to_table(_sheet(entries), whole=_NUMERIC)
    (console or Console()).print(drawn, soft_wrap=False, highlight=False)


def entries_to_markdown(entries: Entries) -> str:
    """The same as a GitHub table below a heading; nothing where all is equal."""
    return "\n".join([*titled("Worst entries", to_markdown(_sheet(entries))), ""]) if entries else ""


def entries_to_data(entries: Entries) -> list[dict[str, Any]]:
    """The same as plain data, numbers with all their digits: one dict per entry."""
    return [
        {"node": node, "index": list(entry.index), "hand": entry.hand, "reference": entry.reference}
        for node, found in entries.items()
        for entry in found
    ]


def _sheet(entries: Entries) -> Sheet:
    return Sheet(("node", "at", *_NUMERIC), tuple(_cells(entries)), _NUMERIC)


def _cells(entries: Entries) -> Iterator[tuple[str, ...]]:
    for node, found in entries.items():
        for place, entry in enumerate(found):
            values = apart(entry.hand, entry.reference)
            distance = number(abs(entry.hand - entry.reference))
            yield (printable(node) if not place else "", index(entry.index), *values, distance)
