"""One table, and all its writers."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from rich.console import Console

from gradient_diff import compare
from gradient_diff.render.sheet import (
    Sheet,
    escape,
    titled,
    to_csv,
    to_frame,
    to_markdown,
    to_plain,
    to_records,
    to_table,
)
from gradient_diff.render.tables import row_data
from gradient_diff.wording import printable

SHEET = Sheet(("name", "n"), (("a|b", "12"), ("[red]\x1b", "7")), ("n",), ("good", "bad"), "n")
DATA = Sheet(("name", "value", "shape"), (("w", 1e-17, (2, 3)), ("b", math.nan, None)))


def _print(sheet: Sheet, console: Console) -> None:
    console.print(to_table(sheet, whole=sheet.titles))


def test_for_the_terminal_numbers_stand_right_and_nothing_is_markup() -> None:
    lines = to_plain(_print, SHEET, 40).splitlines()
    assert [line.split() for line in lines] == [["name", "n"], ["─" * 13], ["a|b", "12"], [r"[red]\x1b", "7"]]
    assert len({len(line) for line in lines}) == 1


def test_the_tone_of_a_row_colours_the_cell_that_shows_it() -> None:
    console = Console(file=io.StringIO(), width=40, color_system="standard", force_terminal=True, legacy_windows=False)
    _print(SHEET, console)
    text = console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above
    assert "\x1b[32m12\x1b[0m" in text
    assert "\x1b[1;31m 7\x1b[0m" in text or "\x1b[1;31m7\x1b[0m" in text
    assert "\x1b[32ma|b" not in text


def test_the_first_column_is_cut_and_no_other() -> None:
    sheet = Sheet(("name", "n"), (("a" * 30, "123456"),))
    table = to_table(sheet, whole=sheet.titles, overflow="ellipsis", widest=8)
    assert to_plain(lambda shown, console: console.print(shown), table, 40).splitlines()[-1] == "aaaaaaa…  123456"


def test_as_markdown_nothing_is_interpreted() -> None:
    assert to_markdown(SHEET) == ["| name | n |", "| --- | ---: |", r"| a\|b | 12 |", r"| \[red\]\\x1b | 7 |"]
    assert escape("<i>_x_ dense_1") == r"&lt;i&gt;\_x\_ dense_1"
    assert titled("Rows", ["| a |"]) == ["", "### Rows", "", "| a |"]
    assert titled("Rows", []) == []


def test_as_csv_numbers_keep_their_digits_and_what_is_missing_is_empty() -> None:
    text = to_csv(DATA)
    assert text == 'name,value,shape\nw,1e-17,"(2, 3)"\nb,,\n'
    assert len(list(csv.reader(io.StringIO(text)))) == 3


def test_records_and_frame_hold_the_cells_as_they_are() -> None:
    assert to_records(DATA)[0] == {"name": "w", "value": 1e-17, "shape": (2, 3)}
    frame = to_frame(DATA)
    assert frame.columns.tolist() == list(DATA.titles)
    assert frame["shape"].tolist() == [(2, 3), None]
    assert math.isnan(frame["value"][1])
    assert to_frame(Sheet(("a",), ())).columns.tolist() == ["a"]


@pytest.mark.parametrize("columns", ["40", "120"])
def test_plain_text_is_as_wide_as_the_terminal(columns: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    wide = to_plain(lambda text, console: console.print(text), "word " * 100)
    assert max(map(len, wide.splitlines())) <= int(columns)
    assert max(map(len, wide.splitlines())) > int(columns) - 6


@pytest.mark.parametrize(
    "name", ['=HYPERLINK("http:x","y")', "+1", "-1", "@a", "a\rb", "a\x1b[31mb", "a\0b", "\u202egnp.a"]
)
def test_a_name_of_an_array_stays_a_name_in_every_table(name: str) -> None:
    diff = compare({name: np.ones(2)}, {name: np.ones(2)})
    lines = list(csv.reader(io.StringIO(to_csv(row_data(diff)))))
    cell = lines[1][0]
    assert len(lines) == 2
    assert cell.isprintable()
    assert not cell.startswith(("=", "+", "-", "@"))
    assert cell.removeprefix("'") == printable(name)


def test_a_negative_number_stays_a_number() -> None:
    assert to_csv(Sheet(("a",), ((-1.5,),))) == "a\n-1.5\n"
