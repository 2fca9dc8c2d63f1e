"""A comparison in a cell: sentences and tables that need no style."""

from __future__ import annotations

import dataclasses
import re
from html.parser import HTMLParser

import numpy as np

from gradient_diff import GradientDiff, Status, compare
from gradient_diff.render.notebook import to_cell
from manual_mlp import MLP, Dense


class Open(HTMLParser):
    """What is seen before anything is unfolded, without style: text, line by line, and rows of tables."""

    BLOCKS = ("p", "li", "tr", "summary", "pre")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.lines: list[str] = [""]
        self.rows = 0
        self.hidden: list[str] = []
        self.feed(re.sub(r"(?s)<style>.*?</style>", "", text))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "details" and "open" not in dict(attrs):
            self.hidden.append(tag)
        if tag in self.BLOCKS and not self.hidden:
            self.lines.append("")
        self.rows += tag == "tr" and not self.hidden
        self.lines[-1] += " | " * (tag in ("td", "th") and not self.hidden)

    def handle_endtag(self, tag: str) -> None:
        if tag == "details" and self.hidden:
            self.hidden.pop()

    def handle_data(self, data: str) -> None:
        if not self.hidden:
            self.lines[-1] += data


def deep() -> GradientDiff:
    """Of twelve layers, whose lowest has a sign turned."""
    mlp = MLP(3, [Dense(3, "tanh") for _ in range(12)])
    rng = np.random.default_rng(0)
    right = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(5, 3)), rng.normal(size=(5, 3)), "mse")
    wrong = {**right.gradients, "dense_1/kernel": -right.gradients["dense_1/kernel"]}
    return compare(wrong, right)


DEEP = deep()


def test_at_most_12_rows_and_the_cause_are_open() -> None:
    seen = Open(to_cell(DEEP))
    assert seen.rows == 1 + 12
    assert any("stray_constant" in line or "sign" in line for line in seen.lines)
    assert any("dense_1/dE_dkernel |" in line and "MISMATCH" in line for line in seen.lines)
    assert "12 more rows, all right" in to_cell(DEEP)


def test_rows_that_are_off_are_never_folded_behind_right_ones() -> None:
    statuses = [Status.MATCH] * 20 + [Status.MISMATCH] * 4
    rows = [dataclasses.replace(row, status=s) for row, s in zip(DEEP.rows, statuses, strict=True)]
    seen = "\n".join(Open(to_cell(dataclasses.replace(DEEP, rows=tuple(rows)))).lines)
    assert seen.count("MISMATCH |") == 4


def test_what_proves_nothing_is_open_and_what_only_follows_comes_last_of_what_is_off() -> None:
    statuses = [*[Status.MISMATCH] * 11, *[Status.MATCH] * 11, Status.VACUOUS, Status.MISMATCH]
    rows = [dataclasses.replace(row, status=s) for row, s in zip(DEEP.rows, statuses, strict=True)]
    rows[:11] = [dataclasses.replace(row, downstream=True) for row in rows[:11]]
    seen = "\n".join(Open(to_cell(dataclasses.replace(DEEP, rows=tuple(rows)))).lines)
    assert seen.count("VACUOUS") == 1
    assert seen.count("(downstream)") == 10


def test_without_style_words_do_not_run_together(different: GradientDiff) -> None:
    text = "\n".join(Open(to_cell(different)).lines)
    assert "✗ DIFFERENT more than rounding explains" in text
    assert "node |  | status" not in text
    assert not re.search(r"[a-z](DIFFERENT|MATCH)", text)


def test_it_takes_every_ink_from_the_theme() -> None:
    css = re.findall(r"(?s)<style>(.*?)</style>", to_cell(DEEP))[0]
    assert not re.findall(r"#[0-9a-f]{3,6}|\brgba?\(|prefers-color-scheme", css)
    assert set(re.findall(r"(?<![-\w])color: (\w+)", css)) == {"inherit"}
    assert "table-layout: auto" in css
    assert all(line.startswith(".gd-cell") for line in css.strip().splitlines())


def test_nothing_is_fetched_and_nothing_runs(mixed: GradientDiff) -> None:
    text = to_cell(mixed)
    assert not re.search(r"<(script|link|img|iframe|form)|http|\son\w+=", text)
    assert "&lt;script&gt;" in text


def test_nothing_fails_on_extremes(extreme: GradientDiff) -> None:
    assert extreme.verdict.name in to_cell(extreme)


def test_a_comparison_without_a_network_has_no_ledger() -> None:
    assert "Matrix ledger" not in to_cell(compare({"w": np.ones(2)}, {"w": np.ones(2)}))
    assert "Matrix ledger" in to_cell(DEEP)
