"""`gradient-diff compare … --run-code`: submissions that are code, beside those that are arrays."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gradient_diff import Code, Finding
from gradient_diff.cli.marking import mark
from gradient_diff.cli.reference import reference_of
from gradient_diff.running.loading import is_code
from gradient_diff.running.process import Apart, Given
from manual_mlp import Evaluation

Call = Callable[..., tuple[int, str, str]]
Write = Callable[..., Path]


def put(folder: Path, **texts: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / f"{name}.py").write_text(text, "utf-8")
    return [folder / f"{name}.py" for name in texts]


def verdicts(text: str) -> dict[str, str]:
    return {Path(row["file"]).name: row["verdict"] for row in csv.DictReader(io.StringIO(text))}


def test_without_the_option_nothing_is_imported(
    call: Call, write: Write, reference: Path, tmp_path: Path, code: dict[str, str]
) -> None:
    (file,) = put(tmp_path, mine=f"open({str(tmp_path / 'it_ran')!r}, 'w')\n{code['right']}")
    ended, text, _ = call(file, write("right"), reference, "--format", "json")
    data = json.loads(text)
    assert (ended, [one["verdict"] for one in data["files"]]) == (2, ["UNREADABLE", "MATCH"])
    assert data["files"][0]["message"] == f"{file} is code, and none of it was run: --run-code does."
    assert not (tmp_path / "it_ran").exists()
    assert call(file, reference, "--run-code")[0] == 0
    assert (tmp_path / "it_ran").exists()  # it would have been seen


def test_code_and_arrays_are_marked_together(
    call: Call, write: Write, reference: Path, tmp_path: Path, code: dict[str, str]
) -> None:
    files = put(tmp_path / "in", **code)
    out = tmp_path / "marks"
    ended, text, told = call(*files, write("arrays"), reference, "--run-code", "--format", "csv", "--out", out)
    assert ended == 1
    assert verdicts(text) == {
        "right.py": "MATCH",
        "wrong.py": "MISMATCH",
        "empty.py": "MISSING",
        "raising.py": "UNREADABLE",
        "arrays.npz": "MATCH",
    }
    assert "line 9: ValueError: matmul" in text
    assert "Traceback" not in told
    assert "derivative_wrong" in (out / "wrong" / "report.html").read_text("utf-8")
    assert verdicts((out / "summary.csv").read_text("utf-8-sig")) == verdicts(text)


def test_names_can_be_mapped_and_what_the_function_changed_is_said(
    call: Call, reference: Path, tmp_path: Path, code: dict[str, str]
) -> None:
    odd = (
        code["right"]
        .replace('"dense_1/kernel"', '"first"')
        .replace("    W1,", "    x *= 1.5; x /= 1.5; y += 1; y -= 1; W1,")
    )
    (file,) = put(tmp_path, mine=odd)
    ended, text, _ = call(file, reference, "--run-code", "--rename", "first=>dense_1/kernel")
    assert ended == 0
    assert "Your function changed its argument" in " ".join(text.split())
    assert call(file, reference, "--run-code", "--layout", "as given")[0] == 1


REFUSED = {
    "no limit to set": (("--time-limit", "9"), "nothing is run without --run-code"),
    "no time": (("--run-code", "--time-limit", "0"), "0: expected a finite number of seconds above 0"),
    "endless time": (("--run-code", "--time-limit", "inf"), "inf: expected a finite number of seconds above 0"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_limit_is_a_wrong_command_line(
    what: str, call: Call, reference: Path, tmp_path: Path, code: dict[str, str]
) -> None:
    options, told = REFUSED[what]
    ended, _, said = call(*put(tmp_path, mine=code["right"]), reference, *options)
    assert (ended, told in said) == (4, True)


def test_a_reference_without_its_problem_runs_no_code(
    call: Call, write: Write, tmp_path: Path, code: dict[str, str]
) -> None:
    (file,) = put(tmp_path, mine=code["right"])
    ended, _, told = call(file, write("plain"), "--run-code")
    assert (ended, "does not say on which weights and data code is called" in told) == (4, True)
    assert call(write("plain"), write("plain"), "--run-code")[0] == 0  # of arrays there is nothing to run


def test_the_limit_is_passed_on(
    call: Call, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: dict[str, str]
) -> None:
    def run(self: Apart, file: Path, most: int) -> Given:
        asked.append(replace(self, reference=Path()))
        raise ValueError("not now")

    asked: list[Apart] = []
    monkeypatch.setattr(Apart, "run", run)
    (file,) = put(tmp_path, mine=code["right"])
    call(file, reference, "--run-code")
    call(file, reference, "--run-code", "--time-limit", 2.5, "--layout", "as given")
    assert asked == [Apart(Path(), 60.0, None), Apart(Path(), 2.5, "as given")]


@pytest.mark.parametrize(("user", "warned"), [(0, True), (1000, False)])
def test_root_is_warned(
    user: int,
    warned: bool,
    call: Call,
    write: Write,
    reference: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: dict[str, str],
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user, raising=False)
    monkeypatch.setattr(Apart, "run", lambda *_: Given({}))
    (file,) = put(tmp_path, mine=code["right"])
    assert ("You are root" in call(file, reference, "--run-code")[2]) is warned
    assert "You are root" not in call(write("arrays"), reference, "--run-code")[2]


def test_the_help_says_that_it_is_no_sandbox(call: Call) -> None:
    text = " ".join(call("--help")[1].split())
    assert "This is no sandbox: such code may read, change and delete whatever you may" in text


def test_its_lines_are_those_of_the_diff(
    answer: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: dict[str, str]
) -> None:
    traced = Code((Finding("mine.py", 8, (8, 8, 9, 19), "g", (), "d2 @ W2.T", "dense_1/dE_dz", (), "", ()),))
    gradients = {n: -g for n, g in answer.gradients.items()}
    monkeypatch.setattr(Apart, "run", lambda *_: Given(gradients, ("x",), traced))
    (one,) = mark(put(tmp_path, mine=code["right"]), reference_of(answer, "r.npz"), apart=Apart(tmp_path))
    assert one.diff is not None
    assert (one.diff.code, one.diff.changed, one.diff.verdict.name) == (traced, ("x",), "MISMATCH")


def test_code_is_known_by_its_ending(tmp_path: Path) -> None:
    assert [is_code(Path(name)) for name in ("a.py", "a.PY", "a.npz", "py")] == [True, True, False, False]
