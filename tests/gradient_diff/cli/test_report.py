"""`gradient-diff report`: a page from saved data alone, and two runs against each other."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from gradient_diff import compare, write_report
from manual_mlp import Evaluation

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def saved(answer: Evaluation, tmp_path: Path) -> Path:
    """The folder of a wrong derivation's report."""

    def gradients(parameters: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        e = answer.problem.mlp.backpropagate(parameters, x, y, "mse")
        return {name: -array for name, array in e.gradients.items()}

    return write_report(compare(gradients, answer), tmp_path / "saved", "A title", {"seed": 3}).parent


def contents(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_the_same_page_is_drawn_from_what_is_saved(saved: Path, call: Call) -> None:
    before = contents(saved)
    (saved / "report.html").unlink()
    shutil.rmtree(saved / "figures")
    shutil.rmtree(saved / "guide")
    (saved / "notes.txt").write_text("mine")
    assert call(saved, verb="report") == (0, "", f"Wrote {saved / 'report.html'}")
    assert contents(saved) == before | {"notes.txt": b"mine"}


def test_it_loads_neither_tensorflow_nor_a_model(saved: Path) -> None:
    code = (
        "import sys\nfrom gradient_diff.cli import app\n"
        f"sys.argv = ['gradient-diff', 'report', {str(saved)!r}]\n"
        "try: app()()\nexcept SystemExit as end: assert not end.code\n"
        "print(*[m for m in ('tensorflow', 'keras', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.slow
def test_a_folder_of_reports_is_drawn_as_a_whole(saved: Path, call: Call) -> None:
    shutil.copytree(saved, saved.parent / "marks" / "ann")
    shutil.copytree(saved, saved.parent / "marks" / "ben")
    assert call(saved.parent / "marks", verb="report") == (0, "", "Wrote 2 pages")


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("diff.json", "{", "diff.json is no saved comparison"),
        ("manifest.json", "[]", "manifest.json: expected an object"),
        ("panels.npz", "", "panels.npz"),
    ],
)
def test_what_was_damaged_is_refused_and_nothing_is_touched(
    name: str, text: str, words: str, saved: Path, call: Call
) -> None:
    (saved / name).write_text(text)
    before = contents(saved)
    code, out, told = call(saved, verb="report")
    assert (code, out) == (4, "")
    assert words in told
    assert contents(saved) == before


def test_a_folder_without_reports_is_refused(tmp_path: Path, call: Call) -> None:
    code, _, told = call(tmp_path, verb="report")
    assert code == 4
    assert "holds no diff.json: expected a folder of a report, or of several" in told
    assert call(tmp_path / "missing", verb="report")[0] == 4
    assert call(tmp_path, "--format", "json", verb="report")[0] == 4


def test_two_runs_are_held_against_each_other(saved: Path, answer: Evaluation, call: Call) -> None:
    right = write_report(compare(answer.gradients, answer), saved.parent / "right").parent
    code, out, _ = call(saved, "--against", right, verb="report")
    assert code == 1
    assert out.splitlines()[-1] == "4 worse"
    assert "worse  dense_2/dE_dkernel  ✓ MATCH, 0  ✗ MISMATCH, 2.0e+00" in out
    code, out, _ = call(right, "--against", saved, "--format", "json", verb="report")
    assert code == 0
    assert [record["change"] for record in json.loads(out)] == ["better"] * 4
    assert call(right, "--against", right, verb="report")[:2] == (0, "4 same\n")
    code, out, _ = call(right, "--against", saved, "--format", "csv", verb="report")
    assert out.splitlines()[0] == "change,comparison,array,before,relative_l2_before,now,relative_l2_now"
    code, out, _ = call(right, "--against", saved, "--format", "markdown", verb="report")
    assert "| better | dense_2/dE_dkernel | ✗ MISMATCH, 2.0e+00 | ✓ MATCH, 0 |" in out
