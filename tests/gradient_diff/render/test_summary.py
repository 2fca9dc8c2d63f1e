"""One line per file."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from rich.console import Console

from gradient_diff import Cause, Code, GradientDiff, Status, compare
from gradient_diff.render.summary import (
    SummaryLine,
    print_summary,
    summary_from_csv,
    summary_line,
    summary_to_csv,
    summary_to_markdown,
    unreadable,
)

LINES = [
    SummaryLine("a.npz", "MATCH"),
    SummaryLine("b.npz", "MISMATCH", "dense_1/dE_dbias", "The sign is turned round (sign)", "all of it"),
    unreadable("c.npz", "c.npz is empty"),
]


def printed(lines: list[SummaryLine], width: int = 100) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_summary(lines, console)
    return console.file.getvalue()  # type: ignore[attr-defined]  # the StringIO above


def test_every_kind_of_line_is_counted_once() -> None:
    text = printed(LINES)
    assert text.splitlines()[-1] == "3 files: 1 MISMATCH, 1 MATCH, 1 UNREADABLE"
    assert text.count("c.npz is empty") == 1
    assert "c.npz: c.npz" not in text


def test_a_reason_without_the_files_name_gets_it() -> None:
    assert "  a.npz: no names" in printed([unreadable("a.npz", "no names")])


@pytest.mark.parametrize("width", [60, 80, 120])
def test_nothing_is_wider_than_the_terminal(width: int) -> None:
    lines = [*LINES, SummaryLine("x" * 300 + ".npz", "MATCH"), unreadable("y" * 300, "z" * 300)]
    assert max(map(len, printed(lines, width).splitlines())) <= width


@pytest.mark.parametrize("width", [58, 80, 100])
def test_no_name_is_broken(width: int) -> None:
    names = [f"submissions/anna.{i}.of-the-long-name.npz" for i in range(3)]  # 40 characters
    lines = [SummaryLine(n, "REFERENCE_OFF", "dense_1/dE_dkernel", "f′(u) is not applied", "m") for n in names]
    text = printed(lines, width)
    assert all(f"{name} " in text or f"{name}\n" in text for name in names)
    assert "dense_1/dE_dkernel" in text
    assert max(map(len, text.splitlines())) <= width


def test_a_line_per_file_where_there_is_room() -> None:
    lines = [
        SummaryLine("submissions/anna.x.npz", "MISMATCH", "dense_1/dE_dkernel", "f′(u) is not applied, in dense_1")
    ]
    first = printed(lines, 120).splitlines()[2]
    assert first == "submissions/anna.x.npz  ✗ MISMATCH  dense_1/dE_dkernel  f′(u) is not applied, in dense_1"


def test_a_long_name_is_whole_where_there_is_room() -> None:
    name = "x" * 100 + ".npz"
    assert f"\n{name}  ✓ MATCH" in printed([SummaryLine(name, "MATCH")], 200)


def test_the_end_of_a_long_name_is_shown() -> None:
    assert "07.npz" in printed([SummaryLine("/very" * 20 + "/07.npz", "MATCH")], 120)


@pytest.mark.parametrize("name", ["\x1b[31m", "a\nb", "[bold]x[/bold]", "<script>", "|", "\u202eevil"])
def test_names_are_shown_and_not_interpreted(name: str) -> None:
    lines = [SummaryLine(name, "MISMATCH", name, name, name), unreadable(name, name)]
    text, markdown, table = printed(lines), summary_to_markdown(lines), summary_to_csv(lines)
    assert all(c == "\n" or c.isprintable() for c in text + markdown + table)
    assert "[bold]x" in text or name != "[bold]x[/bold]"
    assert "<script>" not in markdown
    assert len(markdown.splitlines()) == 4
    assert len(list(csv.reader(io.StringIO(table)))) == 3


@pytest.mark.parametrize("start", ["=", "+", "-", "@"])
def test_a_spreadsheet_finds_no_formula(start: str) -> None:
    rows = list(csv.reader(io.StringIO(summary_to_csv([SummaryLine(f"{start}1,2", "MATCH")]))))
    assert rows[1][0] == f"'{start}1,2"


@pytest.mark.parametrize("name", ["a.npz", "=1+1", "'=1", "ünï…✓", 'a,"b"', "a\nb\r", "", "\u202e"])
def test_what_was_written_is_read_and_written_again_alike(name: str) -> None:
    text = summary_to_csv([SummaryLine(name, "MATCH", name, name, name, name), *LINES])
    assert summary_to_csv(summary_from_csv(text)) == text
    assert summary_from_csv("\ufeff" + text) == summary_from_csv(text)


@pytest.mark.parametrize("text", ["", "a;b\n", "file,verdict\na,b\n", summary_to_csv(LINES) + "x\n", "\n"])
def test_a_summary_that_was_changed_is_refused(text: str) -> None:
    with pytest.raises(
        ValueError,
        match=r"expected the columns file, verdict, .*, report, unproved, line, mistake, letter, and as many cells",
    ):
        summary_from_csv(text)


@pytest.mark.parametrize("lost", [1, 2])
def test_a_summary_of_an_earlier_version_is_read(lost: int) -> None:
    heads, *rows = csv.reader(io.StringIO(summary_to_csv(LINES)))
    text = "\n".join(",".join(row[: len(heads) - lost]) for row in (heads, *rows)) + "\n"
    assert summary_from_csv(text) == LINES


def test_the_line_to_blame_is_a_column_where_there_is_one(
    wrong: Callable[[Code], GradientDiff], codes: dict[str, Code]
) -> None:
    line = summary_line("a.py", wrong(codes["two"]))
    assert line.line == "net.py:33"
    assert "  dense_1/dE_dkernel  net.py:33  No known mistake explains this" in printed([*LINES, line], 120)
    assert "net.py:33 · dense_1/dE_dkernel: No known" in printed([*LINES, line], 60)
    assert "| net.py:33 |" in summary_to_markdown([line])
    assert summary_to_csv([line]).splitlines()[1].endswith(",net.py:33,,")
    assert "  line  " not in printed(LINES, 120)
    assert summary_from_csv(summary_to_csv([line])) == [line]


def test_the_line_of_the_first_cause_goes_before_that_of_the_first_finding(
    wrong: Callable[[Code], GradientDiff], codes: dict[str, Code]
) -> None:
    cause = Cause("sign", "", "m", "", "", 0.5, finding=codes["two"].findings[1])
    assert summary_line("a", replace(wrong(codes["two"]), causes=(cause,))).line == "net.py:31"


def test_the_line_of_a_diff() -> None:
    ones = {"w": np.ones(2)}
    assert summary_line("a", compare(ones, ones), "a/report.html") == SummaryLine("a", "MATCH", report="a/report.html")
    line = summary_line("a", compare({"w": np.array([1.0, 5.0])}, ones, rtol=1e-6))
    assert (line.verdict, line.culprit) == ("DIFFERENT", "w")
    missing = summary_line("a", compare({"v": np.ones(1)}, ones))
    assert (missing.status, missing.cause) == (Status.MISSING, "the hand side has no w")
    assert missing.message == "the hand side has no w. Rename it, or compute what is missing."
