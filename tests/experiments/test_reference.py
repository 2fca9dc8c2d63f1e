"""A fresh run gives what is committed under results/reference: rows, shapes, statuses, verdicts, declared numbers."""

from __future__ import annotations

import csv
import json
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from experiments import STUDIES
from experiments.frame.running import Outcome
from experiments.frame.summary import write_summary

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "results" / "reference"
NOT_KEPT = (".html", ".npz")  # git ignores them: a report is its tables and figures again
DIGITS = 1e-6  # 6 digits
JUDGED = ("experiment", "command", "verdict", "failed", "verdicts", "expected", "claims", "reproducible")
OF_A_ROW = ("name", "layer", "formula", "dtype", "shape_hand", "shape_reference", "status")


@pytest.fixture(params=[name for name, entry in STUDIES.items() if entry.in_all])
def study(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_fresh_run_gives_what_is_committed(study: str, fresh: Callable[[str], Outcome]) -> None:
    assert (REFERENCE / study).is_dir(), f"results/reference/{study} is missing: make it with `make reference`"
    assert differences(fresh(study).report.parent, REFERENCE / study) == []


def test_a_fresh_run_has_the_lines_of_the_committed_summary(study: str, fresh: Callable[[str], Outcome]) -> None:
    """Of each line what is no number: sizes of rounding differ from one machine to another."""
    out = fresh(study).report.parents[1]
    assert summary_lines(out, study) == summary_lines(REFERENCE, study)


@pytest.mark.parametrize("folder", [REFERENCE, REFERENCE / "full"], ids=["short", "full"])
def test_the_committed_summary_is_that_of_the_committed_studies(folder: Path, tmp_path: Path) -> None:
    for name in STUDIES:
        for path in [*(folder / name).glob("manifest.json"), *(folder / name).glob("diffs/*.csv")]:
            copy = tmp_path / path.relative_to(folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
    write_summary(tmp_path)
    assert (tmp_path / "summary.csv").read_text("utf-8") == (folder / "summary.csv").read_text("utf-8")


def summary_lines(out: Path, study: str) -> list[list[str]]:
    head, *rows = _read(out / "summary.csv")
    places = [place for place, column in enumerate(head) if column not in ("max |hand − tape|", "σ")]
    return [[row[place] for place in places] for row in rows if row[0] == study]


def test_the_reference_is_small() -> None:
    kept = [path for path in REFERENCE.rglob("*") if path.is_file() and path.suffix not in NOT_KEPT]
    of_real_sizes = [path for path in kept if path.is_relative_to(REFERENCE / "full")]
    assert sum(path.stat().st_size for path in of_real_sizes) < 1.5e6
    assert sum(path.stat().st_size for path in kept) < 3.5e6


def differences(fresh: Path, reference: Path) -> list[str]:
    """What a fresh run has otherwise, in words."""
    found = [f"files: {a} / {b}" for a, b in [(_files(fresh), _files(reference))] if a != b]
    here, there = (json.loads((folder / "manifest.json").read_text("utf-8")) for folder in (fresh, reference))
    found += [f"manifest, {key}: {here[key]} / {there[key]}" for key in JUDGED if here[key] != there[key]]
    for path in sorted(reference.glob("diffs/*.csv")):
        found += _of_csv(fresh, path.relative_to(reference), reference, OF_A_ROW)
    for name, columns in there["reproducible"].items():
        found += _of_csv(fresh, Path("tables") / f"{name}.csv", reference, columns)
    return found


def _files(folder: Path) -> list[str]:
    kept = (path for path in folder.rglob("*") if path.is_file() and path.suffix not in NOT_KEPT)
    return sorted(path.relative_to(folder).as_posix() for path in kept)


def _of_csv(fresh: Path, path: Path, reference: Path, columns: tuple[str, ...] | list[str]) -> Iterator[str]:
    if not (fresh / path).is_file() or not (reference / path).is_file():
        return  # said above, of the files
    here, there = _read(fresh / path), _read(reference / path)
    if here[0] != there[0] or len(here) != len(there):
        yield f"{path}: {len(here) - 1} rows of {here[0]} / {len(there) - 1} rows of {there[0]}"
        return
    for number, (a, b) in enumerate(zip(here[1:], there[1:], strict=True), 1):
        for column, mine, other in zip(here[0], a, b, strict=True):
            if column in columns and not _equal(mine, other):
                yield f"{path}, row {number}, {column}: {mine} / {other}"


def _read(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _equal(a: str, b: str) -> bool:
    try:
        return a == b or math.isclose(float(a), float(b), rel_tol=DIGITS)
    except ValueError:
        return False


# The tester is tested on a copy of a fresh run, in which one thing is changed.


@pytest.fixture(params=["tape_pitfalls"])  # the name in the test's own sends it to the worker that has run the study
def copy(request: pytest.FixtureRequest, fresh: Callable[[str], Outcome], tmp_path: Path) -> tuple[Path, Path]:
    folder = fresh(request.param).report.parent
    return folder, shutil.copytree(folder, tmp_path / "copy")


def edit(path: Path, change: Callable[[list[list[str]]], Any]) -> None:
    rows = _read(path)
    change(rows)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def scale(rows: list[list[str]], row: int, column: str, factor: float) -> None:
    place = rows[0].index(column)
    rows[row][place] = repr(float(rows[row][place]) * factor)


DIFF = "diffs/the_derivation_against_the_tape.csv"
NORMS = "tables/de_dw_beside_what_tape_gradient_ys_w_gives.csv"


def test_a_copy_has_no_differences(copy: tuple[Path, Path]) -> None:
    assert differences(*copy) == []


@pytest.mark.parametrize("column", OF_A_ROW)
def test_another_word_in_a_row_of_a_diff_is_seen(column: str, copy: tuple[Path, Path]) -> None:
    edit(copy[1] / DIFF, lambda rows: rows[3].__setitem__(rows[0].index(column), "KINK"))
    assert [line.split(":")[0] for line in differences(*copy)] == [f"{DIFF}, row 3, {column}"]


def test_a_number_off_by_more_than_6_digits_is_seen(copy: tuple[Path, Path]) -> None:
    edit(copy[1] / NORMS, lambda rows: scale(rows, 2, "norm, wrong", 1 + 1e-5))
    assert [line.split(":")[0] for line in differences(*copy)] == [f"{NORMS}, row 2, norm, wrong"]


def test_a_number_off_by_rounding_is_not(copy: tuple[Path, Path]) -> None:
    edit(copy[1] / NORMS, lambda rows: scale(rows, 2, "norm, wrong", 1 + 1e-8))
    assert differences(*copy) == []


def test_metrics_of_rounding_size_are_not_compared(copy: tuple[Path, Path]) -> None:
    edit(copy[1] / DIFF, lambda rows: scale(rows, 2, "relative_l2", 3))
    assert differences(*copy) == []


@pytest.mark.parametrize(
    "change",
    [
        lambda rows: rows.pop(2),
        lambda rows: rows.insert(2, rows[2]),
        lambda rows: rows.reverse(),
        lambda rows: rows.__setitem__(slice(1, 3), [rows[2], rows[1]]),
        lambda rows: rows[0].__setitem__(2, "another name"),
        lambda rows: [row.pop() for row in rows],
        lambda rows: rows[1].__setitem__(2, "nan"),
        lambda rows: rows[1].__setitem__(2, ""),
    ],
)
def test_other_rows_columns_or_order_are_seen(
    change: Callable[[list[list[str]]], Any], copy: tuple[Path, Path]
) -> None:
    edit(copy[1] / NORMS, change)
    assert differences(*copy) != []


@pytest.mark.parametrize("name", [DIFF, NORMS, "figures/how_far_off_each_mistake_is.png"])
def test_a_missing_file_is_seen_on_either_side(name: str, copy: tuple[Path, Path]) -> None:
    (copy[1] / name).unlink()
    assert differences(*copy) != []
    assert differences(*reversed(copy)) != []


@pytest.mark.parametrize("key", JUDGED)
def test_another_judgement_is_seen(key: str, copy: tuple[Path, Path]) -> None:
    path = copy[1] / "manifest.json"
    facts = json.loads(path.read_text("utf-8"))
    facts[key] = {}
    path.write_text(json.dumps(facts), "utf-8")
    assert any(line.startswith(f"manifest, {key}:") for line in differences(*copy))


def test_times_and_versions_are_not_compared(copy: tuple[Path, Path]) -> None:
    path = copy[1] / "manifest.json"
    facts = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps(facts | {"seconds": 99, "versions": {}, "commit": "none", "flags": {}}), "utf-8")
    assert differences(*copy) == []
