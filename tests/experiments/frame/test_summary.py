"""The demo study is run under several names, as if it were the real ones."""

from __future__ import annotations

import csv
import errno
import io
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.progress import Progress

from experiments import STUDIES, Entry
from experiments.frame.running import run_study
from experiments.frame.study import Part, Result, Settings
from experiments.frame.summary import COLUMNS, check_free, outcome_words, write_summary

Run = Callable[..., Path]


@pytest.fixture
def run(demo: SimpleNamespace, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, progress: Progress) -> Run:
    """Names, for each of which the demo runs; the folder of all results."""
    for name in ("first", "second"):
        monkeypatch.setitem(STUDIES, name, Entry("demo", f"the {name} of <two>"))

    def runs(*names: str) -> Path:
        for name in names:
            run_study(name, Settings(), tmp_path, progress)
        return tmp_path

    return runs


def lines(out: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((out / "summary.csv").read_text("utf-8"))))


def test_a_line_for_each_array_of_each_comparison(run: Run) -> None:
    found = lines(run("first"))
    assert tuple(found[0]) == COLUMNS
    doubled = [line for line in found if line["comparison"] == "hand: doubled"]
    assert [(line["layer"], line["array"], line["status"]) for line in doubled] == [
        ("dense_1", "dE_dkernel", "MISMATCH"),
        ("dense_1", "dE_dbias", "MISMATCH"),
    ]
    assert {(line["experiment"], line["verdict"], line["expected"]) for line in doubled} == {
        ("first", "MISMATCH", "MISMATCH")
    }
    assert all(float(line["max |hand − tape|"]) > 0 and float(line["σ"]) > 16 for line in doubled)
    itself = [line for line in found if line["comparison"] == "hand: itself"]
    assert {(line["verdict"], line["expected"], line["max |hand − tape|"]) for line in itself} == {
        ("MATCH", "MATCH", "0.0")
    }


def test_the_index_links_each_report_and_says_what_it_is_about_and_what_came_out(run: Run) -> None:
    page = (run("first", "second") / "index.html").read_text("utf-8")
    assert re.findall(r'href="([^"]*)"', page) == ["summary.csv", "first/report.html", "second/report.html"]
    assert "the first of &lt;two&gt;" in page
    assert page.count("2 of 2 comparisons as expected, 1 of 1 claim holds") == 2
    assert "2 of 2 as expected." in page


def test_a_later_run_keeps_the_lines_of_the_others(run: Run) -> None:
    before = lines(run("second"))
    after = lines(run("first"))
    assert [line for line in after if line["experiment"] == "second"] == before
    assert [line["experiment"] for line in after] == ["first"] * len(before) + ["second"] * len(before)


def test_a_second_run_replaces_its_own_lines(run: Run, demo: SimpleNamespace) -> None:
    run("first", "second")
    demo.run = lambda settings, progress: Result("A demo", (Part("A part", claims={"1 is 2 & 3": False}),))
    out = run("first")
    assert {line["experiment"] for line in lines(out)} == {"second"}
    page = (out / "index.html").read_text("utf-8")
    assert "0 of 1 claim holds<br>does not hold: 1 is 2 &amp; 3" in page
    assert "1 of 2 as expected." in page


def test_a_folder_that_is_gone_or_spoilt_has_no_line(run: Run) -> None:
    out = run("first", "second")
    shutil.rmtree(out / "first")
    write_summary(out)
    assert {line["experiment"] for line in lines(out)} == {"second"}
    for text in ("{", "[]", "{}"):
        (out / "second" / "manifest.json").write_text(text)
        write_summary(out)
        assert lines(out) == []


def test_a_spoilt_folder_of_another_study_fails_no_run(run: Run) -> None:
    out = run("first", "second")
    manifest = (out / "second" / "manifest.json").read_text("utf-8")
    for spoilt in (
        manifest.replace('"verdicts": {', '"verdicts": null, "others": {'),
        manifest.replace("hand", "foot"),
    ):
        (out / "second" / "manifest.json").write_text(spoilt, "utf-8")
        assert {line["experiment"] for line in lines(run("first"))} == {"first"}
    (out / "second" / "manifest.json").write_text(manifest, "utf-8")
    for table in (out / "second" / "diffs").iterdir():
        table.write_text("other,columns\n1,2\n", "utf-8")
    assert {line["experiment"] for line in lines(run("first"))} == {"first"}
    shutil.rmtree(out / "second" / "diffs")
    assert {line["experiment"] for line in lines(run("first"))} == {"first"}


@pytest.mark.parametrize("name", ["summary.csv", "index.html"])
def test_somebody_else_s_file_is_not_replaced_and_told_before_the_study_runs(
    name: str, run: Run, demo: SimpleNamespace, tmp_path: Path
) -> None:
    (tmp_path / name).write_text("mine\n")
    demo.run = lambda *_: pytest.fail("the study ran")
    with pytest.raises(FileExistsError, match=f"{name} was not written by gradient-diff, and would be replaced"):
        run("first")
    with pytest.raises(FileExistsError, match="Choose another folder, or move it away"):
        write_summary(tmp_path)
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [(name, "mine\n")]


def test_both_files_are_written_or_none(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    out = run("first")
    before = {name: (out / name).read_bytes() for name in ("summary.csv", "index.html")}
    write = Path.write_text

    def on_a_full_disk(path: Path, *arguments: str, **options: str) -> int:
        if path.name == "index.html":
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(path, *arguments, **options)

    shutil.rmtree(out / "first" / "diffs")
    (out / "first" / "manifest.json").unlink()
    monkeypatch.setattr(Path, "write_text", on_a_full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_summary(out)
    assert {name: (out / name).read_bytes() for name in before} == before
    assert sorted(path.name for path in out.iterdir()) == ["first", "index.html", "summary.csv"]


def test_a_new_folder_is_free(tmp_path: Path) -> None:
    check_free(tmp_path)
    check_free(tmp_path / "not" / "there")


@pytest.mark.parametrize(
    ("verdicts", "claims", "words"),
    [
        ({"a": "MATCH", "b": "SHAPE"}, {}, "2 of 2 comparisons as expected"),
        ({"a": "SHAPE", "b": "SHAPE"}, {"1 is 1": True}, "1 of 2 comparisons as expected, 1 of 1 claim holds"),
        ({"a": "MATCH"}, {"1 is 1": True, "1 is 2": False}, "1 of 1 comparison as expected, 1 of 2 claims hold"),
        ({}, {}, "nothing to judge"),
    ],
)
def test_the_words_count_what_came_as_expected(verdicts: dict[str, str], claims: dict[str, bool], words: str) -> None:
    assert outcome_words(verdicts, {"a": "MATCH", "b": "SHAPE"}, claims) == words
