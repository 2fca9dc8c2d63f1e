"""The worst entries, tensor by tensor."""

from __future__ import annotations

import io

import numpy as np
from rich.console import Console

from gradient_diff.metrics.measuring import worst_entries
from gradient_diff.metrics.record import Entry
from gradient_diff.render.entries import entries_to_data, entries_to_markdown, print_entries
from manual_mlp import Array


def _worst(name: str, hand: Array, reference: Array) -> dict[str, tuple[Entry, ...]]:
    return worst_entries({name: hand}, {name: reference}, [name], 1)


def test_values_that_are_nearly_equal_are_written_apart() -> None:
    near = _worst("w", np.array([1.0 + 1e-12]), np.ones(1))
    console = Console(file=io.StringIO(), width=80, color_system=None)
    print_entries(near, console)
    line = console.file.getvalue().splitlines()[2].split()  # type: ignore[attr-defined]  # the StringIO above
    assert line == ["w", "[0]", "1.000000000001", "1", "1.0e-12"]
    assert entries_to_data(near) == [{"node": "w", "index": [0], "hand": 1.0 + 1e-12, "reference": 1.0}]


def test_where_all_is_equal_nothing_is_written() -> None:
    assert entries_to_markdown(_worst("w", np.ones(2), np.ones(2))) == ""


def test_hostile_names_are_shown_and_not_interpreted() -> None:
    name = "\x1b[31m<script>|"
    odd = _worst(name, np.ones(1), np.zeros(1))
    console = Console(file=io.StringIO(), width=80, color_system=None)
    print_entries(odd, console)
    text = console.file.getvalue() + entries_to_markdown(odd)  # type: ignore[attr-defined]  # the StringIO above
    assert "\x1b" not in text
    assert "<script>" not in entries_to_markdown(odd)
