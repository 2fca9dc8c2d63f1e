"""The lines to blame as a compiler shows them."""

import dataclasses
import io
import itertools
import re
import sys
from collections.abc import Callable

import pytest
from rich.cells import cell_len
from rich.console import Console

from gradient_diff import Code, GradientDiff
from gradient_diff.render.code_terminal import code_text
from gradient_diff.render.terminal import print_diff, to_text

Wrong = Callable[[Code], GradientDiff]
WHOLE = """
Where it is wrong
  net.py:33, in gradients
  33 │     d1 = dz1 * z1 * (1 - z1)
     │          ^^^^^^^^^^^^^^^^^^^ should be δ of dense_1
  `dz1 * z1 * (1 - z1)` should be δ of dense_1, δ = dE/dz ⊙ (1 − z²).
    dz1  is dE/dz of dense_1
    z1   is z of dense_1
  With the right value there, these gradients are right: dense_1/kernel, dense_1/bias.
  fix (tried on this and a second problem: every gradient matches):
    --- net.py
    +++ net.py
    @@ -33 +33 @@
    -    d1 = dz1 * z1 * (1 - z1)
    +    d1 = dz1 * (1 - z1**2)
  called from train.py:12, in train: `gradients(parameters, x, y)`
"""


def underlined(text: str) -> list[str]:
    """What stands above carets, by cells."""
    found = []
    for above, line in itertools.pairwise(text.splitlines()):
        if carets := re.fullmatch(r"( +[│|] *)(\^+)( .*)?", line):
            begin, end = len(carets[1]), len(carets[1] + carets[2])
            places = itertools.accumulate(map(cell_len, above), initial=0)
            found.append("".join(sign for sign, place in zip(above, places, strict=False) if begin <= place < end))
    return found


def test_place_source_carets_operands_fix_and_callers_in_this_order(wrong: Wrong, codes: dict[str, Code]) -> None:
    assert code_text(wrong(codes["one"]), 100) == WHOLE.rstrip()


@pytest.mark.parametrize("width", [40, 60, 100])
def test_nothing_is_wider_than_the_terminal_and_nothing_colours_it(wrong: Wrong, any_code: Code, width: int) -> None:
    lines = code_text(wrong(any_code), width).splitlines()
    assert max(map(cell_len, lines), default=0) <= width
    assert all(line.isprintable() for line in lines)


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("one", ["dz1 * z1 * (1 - z1)"]),
        ("wide", ["dz1 * z1 * "]),
        ("spread", ["(dz1 *", "z1 * (1 - z1))"]),
        ("long", ["dz1 * z1 * (1 - z1)"]),
        ("no lines", ["dz1 * z1 * (1 - z1)"]),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
def test_carets_stand_below_the_expression_also_in_ascii(
    wrong: Wrong, codes: dict[str, Code], monkeypatch: pytest.MonkeyPatch, name: str, told: list[str], encoding: str
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
    text = str(wrong(codes[name]))
    assert text.encode(encoding)
    assert underlined(text) == told


def test_carets_stand_below_the_expression_where_a_console_writes_ascii(wrong: Wrong, codes: dict[str, Code]) -> None:
    file = io.TextIOWrapper(io.BytesIO(), "ascii", "gradient_diff.plain")
    print_diff(wrong(codes["wide"]), Console(file=file, width=60), ledger=False)
    file.flush()
    assert underlined(file.buffer.getvalue().decode("ascii")) == ["dz1 * z1 * "]  # type: ignore[attr-defined]


def test_old_is_red_and_new_is_green(wrong: Wrong, codes: dict[str, Code]) -> None:
    file = io.StringIO()
    print_diff(wrong(codes["one"]), Console(file=file, width=100, force_terminal=True, color_system="standard"))
    assert "\x1b[31m-\x1b[0m\x1b[31m    d1 = dz1 * z1 * (1 - z1)" in file.getvalue()
    assert "\x1b[32m+\x1b[0m\x1b[32m    d1 = dz1 * (1 - z1**2)" in file.getvalue()


def test_other_findings_follow_in_short_and_very_many_are_counted(wrong: Wrong, codes: dict[str, Code]) -> None:
    text = code_text(wrong(codes["two"]), 100)
    assert text.endswith("\n  also net.py:31: `2 * (z2 - y)` should be δ of dense_2")
    first, second = codes["two"].findings
    many = dataclasses.replace(codes["two"], findings=(first, *[second] * 20))
    lines = code_text(wrong(many), 100).splitlines()
    assert sum(line.startswith("  also ") for line in lines) == 8
    assert lines[-1] == "  and 12 more"


def test_a_removed_line_that_begins_with_dashes_is_no_heading(wrong: Wrong, codes: dict[str, Code]) -> None:
    fix = "--- net.py\n+++ net.py\n@@ -1 +1 @@\n--- x\n+++ y\n"
    code = dataclasses.replace(codes["one"], findings=(dataclasses.replace(codes["one"].findings[0], fix=fix),))
    file = io.StringIO()
    print_diff(wrong(code), Console(file=file, width=100, force_terminal=True, color_system="standard"))
    assert "\x1b[31m-\x1b[0m\x1b[31m-- x" in file.getvalue()
    assert "\x1b[2m-\x1b[0m\x1b[2m-- net.py" in file.getvalue()


def test_silence_is_a_sentence_where_rows_are_off_and_nothing_where_all_is_right(
    wrong: Wrong, match: GradientDiff, codes: dict[str, Code]
) -> None:
    assert code_text(wrong(codes["silent"]), 100) == "\nNo Python source is known of it."
    assert code_text(dataclasses.replace(match, code=codes["silent"]), 100) == ""
    assert code_text(match, 100) == ""
    assert code_text(dataclasses.replace(match, code=codes["right"]), 100) == ""


def test_it_stands_between_the_causes_and_the_ledger(wrong: Wrong, codes: dict[str, Code]) -> None:
    text = to_text(wrong(codes["one"]), 100)
    assert text.index("What is wrong") < text.index("Where it is wrong") < text.index("Matrix ledger")
