"""`gradient-diff compare`: what is printed, and what is written into a folder."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np

from manual_mlp import Evaluation

ROOT = Path(__file__).parents[3]
Call = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]


def test_the_table_is_readable_at_80_and_120_columns(
    call: Call, write: Write, reference: Path, answer: Evaluation
) -> None:
    os.chdir(reference.parent)
    write("right")
    write("mean", dense_1__bias=answer.gradients["dense_1/bias"] / 7)
    for columns in (80, 120):
        code, text, _ = call("right.npz", "mean.npz", "reference.npz", columns=columns)
        assert code == 1
        assert max(map(len, text.splitlines())) <= columns
        assert "2 files: 1 MISMATCH, 1 MATCH" in text
        assert re.search(r"right\.npz +✓ MATCH", text)
        assert re.search(r"mean\.npz +✗ MISMATCH +dense_1/dE_dbias +The bias gradient is", text)


def test_the_worst_entries_have_coordinates_and_both_values(
    call: Call, write: Write, reference: Path, answer: Evaluation
) -> None:
    kernel = answer.gradients["dense_1/kernel"].copy()
    kernel[3, 1] += 10
    kernel[0, 2] -= 20
    file = write("mine", dense_1__kernel=kernel)
    _, text, _ = call(file, reference, "--top", "2")
    entries = [line.split() for line in text[text.index("Worst entries") :].splitlines()[3:]]
    assert [line[-1] for line in entries] == ["2.0e+01", "1.0e+01"]
    assert entries[0][:3] == ["dense_1/dE_dkernel", "[0,", "2]"]
    data = json.loads(call(file, reference, "--top", "1", "--format", "json")[1])
    true = float(answer.gradients["dense_1/kernel"][0, 2])
    assert data["files"][0]["worst"] == [
        {"node": "dense_1/dE_dkernel", "index": [0, 2], "hand": kernel[0, 2], "reference": true}
    ]
    _, text, _ = call(file, write("right"), reference, "--top", "1", "--format", "markdown")
    assert f"{kernel[0, 2]:.6g}"[:6] in text
    _, text, _ = call(file, write("right"), reference, "--top", "1")
    assert f"Worst entries of {file}"[:60] in text.replace("\n", "")


def test_the_ledger_that_is_printed_is_that_of_the_file(
    call: Call, write: Write, reference: Path, answer: Evaluation
) -> None:
    """The arrays of forty files are not kept, but their shapes are."""
    for form, fits in (("markdown", "fits"), ("json", '"fits": true')):
        _, text, _ = call(write("right"), reference, "--format", form)
        assert text.count(fits) >= len(answer.gradients)
        assert "given (" not in text
        assert '"fits": false' not in text
    turned = write("turned", dense_1__kernel=answer.gradients["dense_1/kernel"].T)
    shape = answer.gradients["dense_1/kernel"].T.shape
    assert f"given {shape}: the transpose" in call(turned, reference, "--format", "markdown")[1]


def test_json_is_one_object_for_one_file_and_for_many(
    call: Call, write: Write, reference: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty.npz").touch()
    code, text, _ = call(write("a"), tmp_path / "empty.npz", reference, "--format", "json")
    data = json.loads(text)
    assert (code, data["exit_code"]) == (2, 2)
    assert [one["verdict"] for one in data["files"]] == ["MATCH", "UNREADABLE"]
    assert data["files"][0]["diff"]["rows"][0]["status"] == "MATCH"
    assert data["files"][1]["diff"] is None
    assert "is empty" in data["files"][1]["message"]


def test_csv_and_markdown_of_one_file_are_its_rows(call: Call, write: Write, reference: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(call(write("a"), reference, "--format", "csv")[1])))
    assert rows[0]["name"] == "dense_2/dE_dkernel"
    assert {row["status"] for row in rows} == {"MATCH"}
    text = call(write("a"), reference, "--format", "markdown")[1]
    assert text.startswith("**MATCH")
    assert text.endswith("|\n")


def test_out_holds_a_report_of_each_and_a_summary(call: Call, write: Write, reference: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.npz").touch()
    files = [write("anna/g"), write("ben/g", dense_1__bias=np.ones(3)), tmp_path / "empty.npz"]
    code, _, told = call(*files, reference, "--out", tmp_path / "marks")
    assert code == 1
    assert "summary.csv, 3 letters and 2 reports" in told
    marks = tmp_path / "marks"
    names = [".gradient-diff", ".judged-by", "anna_g", "ben_g", "index.html", "letters", "summary.csv"]
    assert sorted(p.name for p in marks.iterdir()) == names
    rows = list(csv.DictReader(io.StringIO((marks / "summary.csv").read_text("utf-8-sig"))))
    assert [row["report"] for row in rows] == ["anna_g/report.html", "ben_g/report.html", ""]
    for row in rows[:2]:
        assert (marks / row["report"]).read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_late_file_joins_the_marks(call: Call, write: Write, reference: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    call(write("anna"), write("ben", dense_1__bias=np.ones(3)), reference, "--out", marks)
    code, _, told = call(write("late"), write("ben"), reference, "--out", marks)
    assert (code, "summary.csv, 2 letters and 2 reports; 1 other file there kept" in told) == (0, True)
    rows = list(csv.DictReader(io.StringIO((marks / "summary.csv").read_text("utf-8-sig"))))
    assert [(Path(row["file"]).stem, row["verdict"], row["report"]) for row in rows] == [
        ("anna", "MATCH", "anna/report.html"),
        ("ben", "MATCH", "ben/report.html"),
        ("late", "MATCH", "late/report.html"),
    ]
    assert all((marks / row["report"]).is_file() for row in rows)
    before = {path: path.read_bytes() for path in marks.rglob("*") if path.is_file()}
    code, text, told = call(write("late"), write("anna"), "--out", marks)
    assert (code, text, "holds marks of 2 other files against another reference" in told) == (4, "", True)
    assert "Choose another --out, or remove that folder first." in told
    assert {path: path.read_bytes() for path in marks.rglob("*") if path.is_file()} == before


def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(
    call: Call, write: Write, reference: Path, tmp_path: Path
) -> None:
    (tmp_path / "marks").mkdir()
    (tmp_path / "marks" / "mine.txt").touch()
    before = sorted(tmp_path.iterdir())
    code, text, told = call(write("a"), reference, "--out", tmp_path / "marks")
    assert (code, text) == (4, "")
    assert "holds files that gradient-diff did not write" in told
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "a.npz"])
    assert [p.name for p in (tmp_path / "marks").iterdir()] == ["mine.txt"]


HOSTILE = ["<script>alert(1)<\x1b[31mred\nline", "x" * 240, "ünï…✓[red]", "=1+1", "..", "-rf"]


def test_hostile_names_do_no_harm(call: Call, write: Write, reference: Path, tmp_path: Path) -> None:
    files = [write(f"class/{name}") for name in HOSTILE]
    code, text, told = call(*files, reference)
    assert code == 0
    assert "\x1b" not in text + told
    assert all(c == "\n" or c.isprintable() for c in text)
    assert f"{len(HOSTILE)} files: {len(HOSTILE)} MATCH" in text
    code, text, told = call(*files[:2], reference, "--out", tmp_path / "marks")
    assert code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["class", "marks", "reference.npz"]
    names = ["_script_alert_1____31mred_line", "x" * 60]
    assert sorted(p.name for p in (tmp_path / "marks").iterdir() if p.is_dir()) == [names[0], "letters", names[1]]
    written = ("index.html", *(f"{name}/report.html" for name in names), *(f"letters/{name}.md" for name in names))
    pages = [(tmp_path / "marks" / name).read_text("utf-8") for name in written]
    assert not any("<script>alert" in page or "\x1b" in page for page in pages)
    rows = list(csv.reader(io.StringIO((tmp_path / "marks" / "summary.csv").read_text("utf-8-sig"))))
    assert len(rows) == 3


def test_hostile_names_of_arrays_do_no_harm(call: Call, write: Write, reference: Path, tmp_path: Path) -> None:
    arrays = {
        "../../x": np.ones(2),
        "\x1b[31m": np.ones(2),
        "<script>alert(1)</script>": np.ones(2),
        "n" * 300: np.ones(2),
    }
    code, text, _ = call(write("mine", **arrays), reference, "--out", tmp_path / "marks")
    assert code == 1
    assert "MISSING" in text
    assert all(c == "\n" or c.isprintable() for c in text)
    assert "<script>alert" not in (tmp_path / "marks" / "mine" / "report.html").read_text("utf-8")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["marks", "mine.npz", "reference.npz"]
