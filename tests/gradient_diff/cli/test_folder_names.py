"""Folders named after files, whatever those are called."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_diff.cli.folder_names import LONGEST, folder_names, safe

PARTS = st.text(min_size=1, max_size=300).map(lambda text: text.replace("/", "_").replace("\0", "_"))


@given(st.lists(st.tuples(PARTS, PARTS), max_size=8))
def test_every_name_is_safe_and_unlike_all_others(parts: list[tuple[str, str]]) -> None:
    names = folder_names([Path(folder) / f"{name}.npz" for folder, name in parts])
    assert len({name.casefold() for name in names}) == len(parts)
    for name in names:
        assert re.fullmatch(r"[\w][\w.-]*", name)
        assert Path("out", name).parent == Path("out")
        assert len(name.encode()) < 255


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("../../x", "_.._x"),
        ("..", "file"),
        ("-rf", "rf"),
        ("a b\n\x1b[31m", "a_b___31m"),
        ("<script>", "_script_"),
        ("x" * 300, "x" * LONGEST),
        ("C:\\con", "C__con"),
    ],
)
def test_a_hostile_name_becomes_a_harmless_one(text: str, name: str) -> None:
    assert safe(text) == name


def test_files_of_one_stem_are_told_apart_by_their_folders_then_by_numbers() -> None:
    files = ["anna/g.npz", "ben/g.npz", "x/ben/g.npz", "ben_g.npz", "h.npz", "h.h5"]
    assert folder_names(list(map(Path, files))) == ["anna_g", "ben_g", "ben_g-2", "ben_g-3", "h", "h-2"]


def test_the_whole_ending_goes_and_case_alone_tells_nothing_apart() -> None:
    files = [Path("anna/g.npz"), Path("c.weights.h5"), Path("<b> .npz"), Path("C.npz"), Path("a.b.npz")]
    assert folder_names(files) == ["g", "c", "_b__", "C-2", "a.b"]


def test_names_that_others_have_are_not_given_again() -> None:
    files = [Path("ben/g.npz"), Path("h.npz"), Path("i.npz")]
    assert folder_names(files, ["G", "h", "h-2"]) == ["ben_g", "h-3", "i"]
    assert folder_names(files, ["g", "ben_g"])[0] == "ben_g-2"


def test_the_summary_keeps_its_own_name() -> None:
    assert folder_names([Path("summary.csv.npz")]) == ["summary.csv-2"]


@pytest.mark.parametrize("name", ["con", "NUL", "com1", "Lpt9", "aux.tar", "COM¹"])
def test_a_device_of_windows_is_no_folder(name: str) -> None:
    assert safe(name) == f"{name}_"
    assert safe(f"x{name}") == f"x{name}"
