"""The table of exit codes in the documentation, code by code."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradient_diff.cli import ending as end

Call = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]
PAGE = Path(__file__).parents[3] / "docs" / "reference" / "command-line.md"


def test_the_table_names_every_code() -> None:
    table = PAGE.read_text("utf-8").split("| exit code |")[1].split("\n\n")[0]
    codes = [int(code) for first in re.findall(r"^\| ([\d, ]+) \|", table, re.MULTILINE) for code in first.split(", ")]
    assert codes == [end.PROVED, end.WRONG, end.UNPROVED, end.CRASH, end.USAGE, end.INTERRUPTED, 143, 129]


@pytest.fixture
def outcome(call: Call, write: Write, reference: Path, tmp_path: Path) -> Callable[[str], int]:
    """The code of a command that is called by what is the matter."""
    dead = {"dense_1__kernel": None}
    files: dict[str, Callable[[], Path]] = {
        "right": lambda: write("right"),
        "wrong": lambda: write("wrong", dense_1__bias=np.ones(3)),
        "missing": lambda: write("missing", **dead),
        "gone": lambda: tmp_path / "gone.npz",
    }

    def run(words: str) -> int:
        *mine, last = words.split()
        held = reference if last == "reference" else tmp_path / last
        return call(*(files[name]() if name in files else name for name in mine), held)[0]

    return run


COMPARED = {
    "right reference": end.PROVED,
    "right right reference": end.PROVED,
    "wrong reference": end.WRONG,
    "missing reference": end.WRONG,
    "right wrong gone reference": end.WRONG,
    "right gone reference": end.UNPROVED,
    "gone reference": end.UNPROVED,
    "right nothing.npz": end.USAGE,
    "--nonsense right reference": end.USAGE,
    "--rtol 0 right reference": end.USAGE,
    "reference": end.USAGE,
}


@pytest.mark.parametrize("words", COMPARED)
def test_of_compare(words: str, outcome: Callable[[str], int]) -> None:
    assert outcome(words) == COMPARED[words]


def test_what_is_not_named_is_no_proof_without_a_network(call: Call, tmp_path: Path) -> None:
    for name, array in (("a", [1.0, 2.0]), ("b", [1.0, 2.0 + 1e-12]), ("zero", [0.0, 0.0])):
        np.savez(tmp_path / f"{name}.npz", w=np.array(array), v=np.ones(2))
    a, b, zero = (tmp_path / f"{name}.npz" for name in ("a", "b", "zero"))
    assert call(a, a)[0] == end.PROVED
    assert call(b, a)[0] == end.UNPROVED
    assert call(zero, zero)[0] == end.UNPROVED
    assert call("--allow-vacuous", zero, zero)[0] == end.PROVED


CHECKED = {
    "def gradients(p, x, y): return p": end.WRONG,
    "def gradients(p, x, y): return x @ x": end.UNPROVED,
    "": end.UNPROVED,
}


@pytest.mark.parametrize("text", CHECKED)
def test_of_check(text: str, call: Call, reference: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(text, "utf-8")
    assert call(tmp_path / "mine.py", reference, verb="check")[0] == CHECKED[text]
    assert call(tmp_path / "mine.py", tmp_path / "gone.npz", verb="check")[0] == end.USAGE


OTHERS = {
    ("explain",): end.PROVED,
    ("explain", "sign"): end.PROVED,
    ("explain", "sing"): end.USAGE,
    ("shapes", "4-3-2"): end.PROVED,
    ("shapes", "4-0-2"): end.USAGE,
    ("problem", "4-0-2"): end.USAGE,
    ("list",): end.PROVED,
    ("nonsense",): end.USAGE,
}


@pytest.mark.parametrize("words", OTHERS, ids=" ".join)
def test_of_the_others(words: tuple[str, ...], call: Call) -> None:
    verb, *rest = words
    assert call(*rest, verb=verb)[0] == OTHERS[words]
