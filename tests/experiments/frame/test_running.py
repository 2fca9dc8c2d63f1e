from __future__ import annotations

import errno
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import NoReturn

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from rich.progress import Progress

from experiments import STUDIES, Entry
from experiments.frame import running
from experiments.frame.articles import origin_of
from experiments.frame.running import run_study
from experiments.frame.study import Comparison, Part, Picture, Result, Settings
from gradient_diff import Status
from manual_mlp import Evaluation, load_parameters

FILES = [
    ".gradient-diff",
    "diffs/hand_doubled.csv",
    "diffs/hand_itself.csv",
    "evaluation.npz",
    "figures/the_picture.png",
    "guide/accumulated.html",
    "guide/factor_two.html",
    "manifest.json",
    "report.html",
    "tables/the_numbers.csv",
]


@pytest.fixture
def previous(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> Path:
    """The folder of an earlier run."""
    return run_study("demo", Settings(), tmp_path, progress).report.parent


@contextmanager
def intact(folder: Path) -> Iterator[None]:
    """Whatever happens inside, the folder stays as it is and nothing lies beside it."""
    before, beside = files(folder.parent), sorted(folder.parent.iterdir())
    yield
    assert files(folder.parent) == before
    assert sorted(folder.parent.iterdir()) == beside


def files(folder: Path) -> dict[Path, tuple[int, bytes]]:
    return {p: (p.stat().st_mtime_ns, p.read_bytes()) for p in folder.rglob("*") if p.is_file()}


def raising(error: BaseException) -> object:
    def run(*_: object, **__: object) -> NoReturn:
        raise error

    return run


def test_a_run_writes_all_its_files(previous: Path) -> None:
    assert sorted(str(p.relative_to(previous)) for p in previous.rglob("*") if p.is_file()) == FILES


def test_what_is_saved_can_be_read_again(previous: Path) -> None:
    assert pd.read_csv(previous / "tables" / "the_numbers.csv").to_dict("list") == {
        "name": ["a", "b"],
        "value": [0.1, 2.0],
    }
    assert list(pd.read_csv(previous / "diffs" / "hand_doubled.csv")["status"].unique()) == ["MISMATCH"]
    assert Evaluation.load(previous / "evaluation.npz").problem.mlp.units == (1,)


def test_the_outcome_is_one_line_of_the_last_table(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> None:
    outcome = run_study("demo", Settings(), tmp_path, progress)
    assert (outcome.name, outcome.failed) == ("demo", ())
    assert outcome.summary == "2 of 2 comparisons as expected, 1 of 1 claim holds"
    assert outcome.report == tmp_path / "demo" / "report.html"


def test_the_report_says_which_mismatch_is_meant_and_which_claims_hold(previous: Path) -> None:
    page = (previous / "report.html").read_text("utf-8")
    assert "✓ 2 of 2 as expected, 1 of 1 claims hold" in page
    assert page.count("<td>MISMATCH</td>") == page.count("<td>MATCH</td>") == 1  # the column of what is expected
    assert 'class="gd-row-bad"' not in page[page.index('class="verdicts"') : page.index("</table>")]
    assert "✓ holds: one is one" in page
    assert page.count('class="gd-plot"') == 1
    assert "data:image" not in page


def test_the_report_of_an_article_says_what_the_article_is(
    monkeypatch: pytest.MonkeyPatch, demo: SimpleNamespace, tmp_path: Path, progress: Progress
) -> None:
    text = origin_of("article_a_sine.study")[0]
    assert text in run_in_room("article_a_sine", monkeypatch, demo, tmp_path, progress)
    assert "same weights, bit for bit" not in run_in_room("benchmarks", monkeypatch, demo, tmp_path, progress)


def run_in_room(
    room: str, monkeypatch: pytest.MonkeyPatch, demo: SimpleNamespace, tmp_path: Path, progress: Progress
) -> str:
    """The page of the demo, as if it lay there."""
    monkeypatch.setitem(sys.modules, f"experiments.{room}.demo", demo)
    monkeypatch.setitem(STUDIES, "demo", Entry(f"{room}.demo", "a demo"))
    return run_study("demo", Settings(), tmp_path, progress).report.read_text("utf-8")


def test_a_claim_that_does_not_hold_is_marked(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> None:
    demo.run = lambda settings, progress: Result("A demo", (Part("A part", claims={"one is two": False}),))
    outcome = run_study("demo", Settings(), tmp_path, progress)
    assert outcome.failed == ("does not hold: one is two",)
    assert "✗ does not hold: one is two" in outcome.report.read_text("utf-8")


def test_the_manifest_tells_what_was_run(previous: Path) -> None:
    facts = json.loads((previous / "manifest.json").read_text("utf-8"))
    assert facts["experiment"] == "demo"
    assert facts["command"] == "gradient-diff run demo"
    assert {key: facts[key] for key in ("dtype", "mode", "seed", "full")} == {
        "dtype": "float64",
        "mode": "eager",
        "seed": 0,
        "full": False,
    }
    assert facts["verdict"] == "MATCH"
    assert facts["failed"] == []
    assert facts["verdicts"] == facts["expected"] == {"hand: itself": "MATCH", "hand: doubled": "MISMATCH"}
    assert facts["claims"] == {"one is one": True}
    assert facts["reproducible"] == {"the_numbers": ["name"]}
    assert {"python", "tensorflow", "keras", "numpy", "pandas", "matplotlib"} < set(facts["versions"])
    assert "TF_ENABLE_ONEDNN_OPTS" in facts["flags"]
    assert facts["commit"] == "none" or len(facts["commit"]) == 40
    assert facts["seconds"] >= 0


def test_the_manifest_tells_the_settings(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> None:
    settings = Settings("float32", "xla", 7, full=True)
    report = run_study("demo", settings, tmp_path, progress).report
    facts = json.loads((report.parent / "manifest.json").read_text("utf-8"))
    assert facts["command"] == "gradient-diff run demo --dtype float32 --mode xla --seed 7 --full"


def test_the_manifest_tells_the_data_and_of_files_only_the_names(
    demo: SimpleNamespace, tmp_path: Path, progress: Progress
) -> None:
    demo.run = lambda settings, progress: Result("A demo", (), data={"name": "mnist", "sha256": "06b0"})
    settings = Settings(dataset="mnist", epochs=3, data=tmp_path / "mnist.npz", weights=tmp_path / "w.npz")
    report = run_study("demo", settings, tmp_path, progress).report
    text = (report.parent / "manifest.json").read_text("utf-8")
    facts = json.loads(text)
    assert facts["data"] == {"name": "mnist", "sha256": "06b0"}
    assert facts["command"] == "gradient-diff run demo --dataset mnist --epochs 3 --data mnist.npz --weights w.npz"
    assert str(tmp_path) not in text + report.read_text("utf-8")


def test_weights_are_saved_beside_the_evaluations(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> None:
    weights = {"dense_1/kernel": np.array([[0.1]])}
    demo.run = lambda settings, progress: Result("A demo", (), parameters={"weights": weights})
    folder = run_study("demo", Settings(), tmp_path, progress).report.parent
    assert load_parameters(folder / "weights.npz") == weights


def test_the_manifest_names_no_place_of_this_machine(previous: Path, tmp_path: Path) -> None:
    text = (previous / "manifest.json").read_text("utf-8")
    assert str(tmp_path) not in text
    assert str(Path.cwd()) not in text
    assert sys.argv[0] not in text


def test_the_manifest_tells_of_tf32_only_where_tensorflow_runs(
    monkeypatch: pytest.MonkeyPatch, demo: SimpleNamespace, tmp_path: Path, progress: Progress
) -> None:
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    report = run_study("demo", Settings(), tmp_path, progress).report
    assert "tf32" not in json.loads((report.parent / "manifest.json").read_text("utf-8"))["flags"]


def test_the_same_run_draws_the_same_bytes(previous: Path, tmp_path: Path, progress: Progress) -> None:
    picture = previous / "figures" / "the_picture.png"
    first = picture.read_bytes()
    run_study("demo", Settings(), tmp_path, progress)
    assert picture.read_bytes() == first


@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt(), SystemExit(3), MemoryError()])
def test_previous_results_survive_a_study_that_fails(
    error: BaseException, demo: SimpleNamespace, previous: Path, progress: Progress
) -> None:
    demo.run = raising(error)
    with intact(previous), pytest.raises(type(error)):
        run_study("demo", Settings(), previous.parent, progress)


@pytest.mark.parametrize("step", ["save", "draw", "write_report"])
@pytest.mark.parametrize("error", [RuntimeError("broken"), KeyboardInterrupt()])
def test_previous_results_survive_a_failure_at_any_step(
    step: str, error: BaseException, monkeypatch: pytest.MonkeyPatch, previous: Path, progress: Progress
) -> None:
    monkeypatch.setattr(running, step, raising(error))
    with intact(previous), pytest.raises(type(error)):
        run_study("demo", Settings(), previous.parent, progress)


def test_a_full_disk_is_explained_and_previous_results_survive(
    monkeypatch: pytest.MonkeyPatch, previous: Path, progress: Progress
) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    monkeypatch.setattr(Evaluation, "save", raising(full))
    with intact(previous), pytest.raises(OSError, match=r"The disk is full: free some space, or choose a folder"):
        run_study("demo", Settings(), previous.parent, progress)


def test_a_failed_first_run_leaves_nothing(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> None:
    demo.run = raising(RuntimeError("broken"))
    with pytest.raises(RuntimeError, match="broken"):
        run_study("demo", Settings(), tmp_path, progress)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_before_the_study_runs(
    demo: SimpleNamespace, tmp_path: Path, progress: Progress
) -> None:
    (tmp_path / "demo").mkdir()
    (tmp_path / "demo" / "thesis.txt").touch()
    demo.run = raising(AssertionError("the study ran"))
    with pytest.raises(FileExistsError, match="holds files that gradient-diff did not write"):
        run_study("demo", Settings(), tmp_path, progress)


def test_the_guard_can_fail(previous: Path) -> None:
    with pytest.raises(AssertionError), intact(previous):
        (previous / "report.html").write_text("changed")
    with pytest.raises(AssertionError), intact(previous):
        (previous.parent / ".demo-leftover").mkdir()


def test_an_unexpected_verdict_fails_the_outcome(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> None:
    whole = demo.run(Settings(), progress)
    diff = whole.comparisons["hand: doubled"].diff
    demo.run = lambda settings, progress: Result("A demo", (Part("A part", comparisons={"a": Comparison(diff)}),))
    outcome = run_study("demo", Settings(), tmp_path, progress)
    assert outcome.failed == (f"a: {Status.MISMATCH.name}, expected MATCH",)


def test_a_picture_is_drawn_from_what_was_saved(demo: SimpleNamespace, tmp_path: Path, progress: Progress) -> None:
    """A table, a comparison, an Evaluation and weights, each as its file gives it back, in the order asked for."""
    whole, seen = demo.run(Settings(), progress), []
    weights = {"w": np.array([0.1])}

    def picture(*sources: object) -> Figure:
        seen.extend(sources)
        return Figure()

    sources = ("weights", "evaluation", "hand: doubled", "The numbers")
    part = replace(whole.parts[0], pictures={"The picture": Picture(sources, picture)})
    demo.run = lambda settings, progress: replace(whole, parts=(part,), parameters={"weights": weights})
    run_study("demo", Settings(), tmp_path, progress)
    loaded, evaluation, rows, numbers = seen
    assert loaded == weights
    assert evaluation is not whole.evaluations["evaluation"]
    np.testing.assert_array_equal(evaluation.nodes["dense_1/z"], whole.evaluations["evaluation"].nodes["dense_1/z"])
    assert list(rows["status"].unique()) == ["MISMATCH"]
    assert numbers["value"].tolist() == [0.1, 2.0]
