"""`gradient-diff compare`: files in, verdicts out."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gradient_diff import Status
from gradient_diff.cli import app
from manual_mlp import MLP, Dense, Evaluation

ROOT = Path(__file__).parents[3]
MLP_432 = MLP(4, [Dense(3, "sigmoid"), Dense(2)])
Write = Callable[..., Path]


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    rng = np.random.default_rng(0)
    parameters = MLP_432.initialize(rng, bias_initializer="normal(0.5)")
    return MLP_432.backpropagate(parameters, rng.normal(size=(7, 4)), rng.normal(size=(7, 2)), "mse")


@pytest.fixture
def reference(evaluation: Evaluation, tmp_path: Path) -> Path:
    return evaluation.save(tmp_path / "reference.npz")


@pytest.fixture
def write(evaluation: Evaluation, tmp_path: Path) -> Write:
    """A submission: the right gradients, with changes, or left out where None."""

    def put(name: str, **changes: object) -> Path:
        renamed = {key.replace("__", "/"): value for key, value in changes.items()}
        arrays = {n: a for n, a in {**evaluation.gradients, **renamed}.items() if a is not None}
        path = tmp_path / f"{name}.npz"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            np.savez(file, **arrays)
        return path

    return put


def call(*arguments: object, columns: int = 120, verb: str = "compare") -> tuple[int, str, str]:
    """Exit code, what is printed, and what is told besides, without boxes and line breaks."""
    environment = {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
    result = CliRunner().invoke(app(), [verb, *map(str, arguments)], env=environment)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, " ".join(re.sub(r"[─-╿]", " ", result.stderr).split())


def by_hand(evaluation: Evaluation, derivative: bool = True) -> dict[str, np.ndarray]:
    """The same gradients, written down by somebody else; f′ can be forgotten."""
    p, x, y = evaluation.problem.parameters, evaluation.problem.x, evaluation.problem.y
    z = 1 / (1 + np.exp(-(x @ p["dense_1/kernel"] + p["dense_1/bias"])))
    d2 = 2 * (z @ p["dense_2/kernel"] + p["dense_2/bias"] - y) / y.size
    d1 = d2 @ p["dense_2/kernel"].T * (z * (1 - z) if derivative else 1)
    return {
        "dense_1/kernel": x.T @ d1,
        "dense_1/bias": d1.sum(0),
        "dense_2/kernel": z.T @ d2,
        "dense_2/bias": d2.sum(0),
    }


def test_a_planted_mistake_in_a_plain_npz_is_named(evaluation: Evaluation, reference: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "mine.npz", **by_hand(evaluation, derivative=False))
    code, text, _ = call(tmp_path / "mine.npz", reference)
    assert code == 1
    assert text.startswith("✗ MISMATCH")
    assert "1. f′(u) is not applied, in dense_1 (missing_derivative)" in text
    assert "the complex-step witness" in text
    np.savez(tmp_path / "right.npz", **by_hand(evaluation))
    code, text, _ = call(tmp_path / "right.npz", reference)
    assert (code, text.split(":")[0]) == (0, "✓ MATCH")


def test_several_files_make_one_summary(write: Write, reference: Path, evaluation: Evaluation, tmp_path: Path) -> None:
    bias = evaluation.gradients["dense_1/bias"]
    kernel = evaluation.gradients["dense_2/kernel"]
    files = [
        write("right"),
        write("mean", dense_1__bias=bias / 7),
        write("turned", dense_2__kernel=kernel.T),
        write("forgot", dense_1__bias=None),
        write("nan", dense_1__bias=np.full(3, np.nan)),
        write("huge", dense_1__bias=np.full(3, 1e300)),
        write("inf", dense_1__bias=np.full(3, np.inf)),
    ]
    code, text, told = call(*files, reference, "--format", "csv")
    assert code == 1
    assert told == f"Comparing 7 files with {reference} …".replace("  ", " ")
    rows = list(csv.DictReader(io.StringIO(text)))
    verdicts = {Path(row["file"]).stem: (row["verdict"], row["culprit"]) for row in rows}
    assert verdicts == {
        "right": ("MATCH", ""),
        "mean": ("MISMATCH", "dense_1/dE_dbias"),
        "turned": ("SHAPE", "dense_2/dE_dkernel"),
        "forgot": ("MISSING", "dense_1/dE_dbias"),
        "nan": ("NONFINITE", "dense_1/dE_dbias"),
        "huge": ("MISMATCH", "dense_1/dE_dbias"),
        "inf": ("NONFINITE", "dense_1/dE_dbias"),
    }
    assert "(bias_mean)" in rows[1]["cause"]
    assert "7 is the batch size" in rows[1]["message"]
    assert "(transposed)" in rows[2]["cause"]


def test_the_table_is_readable_at_80_and_120_columns(write: Write, reference: Path, evaluation: Evaluation) -> None:
    os.chdir(reference.parent)
    write("right")
    write("mean", dense_1__bias=evaluation.gradients["dense_1/bias"] / 7)
    for columns in (80, 120):
        code, text, _ = call("right.npz", "mean.npz", "reference.npz", columns=columns)
        assert code == 1
        assert max(map(len, text.splitlines())) <= columns
        assert "2 files: 1 MISMATCH, 1 MATCH" in text
        assert re.search(r"right\.npz +✓ MATCH", text)
        assert re.search(r"mean\.npz +✗ MISMATCH +dense_1/dE_dbias +The bias gradient is", text)


def test_an_unreadable_file_is_a_line_and_the_others_go_on(write: Write, reference: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.npz").touch()
    (tmp_path / "list.npz").write_bytes(b"")
    np.savez(tmp_path / "list.npz", np.ones(3))
    files = [tmp_path / "empty.npz", tmp_path / "gone.npz", tmp_path / "list.npz", write("right")]
    code, text, _ = call(*files, reference, columns=200)
    assert code == 2
    assert "4 files: 1 MATCH, 3 UNREADABLE" in text
    told = " ".join(text.split())
    assert "empty.npz is empty, 0 bytes" in told
    assert "gone.npz: It cannot be opened: No such file or directory." in told
    assert "list.npz: Arrays without names are taken in order only if" in told
    assert call(files[0], reference)[0] == 2


def test_a_wrong_file_gives_1_whatever_the_others_are(write: Write, reference: Path, tmp_path: Path) -> None:
    wrong, gone = write("wrong", dense_1__bias=np.ones(3)), tmp_path / "gone.npz"
    assert call(wrong, reference)[0] == 1
    assert call(wrong, gone, reference)[0] == call(gone, wrong, write("right"), reference)[0] == 1
    assert call(gone, write("right"), reference)[0] == 2
    _, text, _ = call("--help", columns=200)
    words = "1 if any file is wrong or different; else 2 if of any nothing is proved or it cannot be read; else 0."
    assert f"Exit code: {words}" in " ".join(text.split())


@pytest.mark.parametrize("name", ["gone.npz", "empty.npz", "other.txt", "pickle.npz"])
def test_without_a_reference_nothing_is_compared(name: str, write: Write, tmp_path: Path) -> None:
    for made, content in (("empty.npz", b""), ("other.txt", b"x"), ("pickle.npz", b"\x80\x04N.")):
        (tmp_path / made).write_bytes(content)
    code, text, told = call(write("right"), tmp_path / name, "--out", tmp_path / "marks")
    assert (code, text) == (2, "")
    assert "Invalid value for REFERENCE" in told
    assert not (tmp_path / "marks").exists()


def test_a_list_in_order_is_taken_where_it_fits(evaluation: Evaluation, reference: Path, tmp_path: Path) -> None:
    np.savez(tmp_path / "list.npz", *evaluation.gradients.values())
    assert call(tmp_path / "list.npz", reference)[0] == 0
    np.savez(tmp_path / "list.npz", *reversed(evaluation.gradients.values()))
    assert call(tmp_path / "list.npz", reference)[0] == 2


def test_names_of_nodes_and_of_parameters_are_understood(
    evaluation: Evaluation, reference: Path, tmp_path: Path
) -> None:
    nodes = {f"dense_{i}/dE_d{kind}": f"dense_{i}/{kind}" for i in (1, 2) for kind in ("kernel", "bias")}
    np.savez(tmp_path / "nodes.npz", **{node: evaluation.gradients[name] for node, name in nodes.items()})
    np.savez(tmp_path / "plain.npz", **evaluation.gradients)
    assert call(tmp_path / "nodes.npz", reference)[0] == 0
    assert call(tmp_path / "nodes.npz", tmp_path / "plain.npz")[0] == 0
    assert call(tmp_path / "plain.npz", tmp_path / "nodes.npz")[0] == 0


def test_rename(evaluation: Evaluation, reference: Path, tmp_path: Path) -> None:
    own = {
        name.replace("dense_", "fc").replace("/kernel", ".w").replace("/bias", ".b") for name in evaluation.gradients
    }
    assert own == {"fc1.w", "fc1.b", "fc2.w", "fc2.b"}
    mine = {
        name.replace("dense_", "fc").replace("/kernel", ".w").replace("/bias", ".b"): a
        for name, a in evaluation.gradients.items()
    }
    np.savez(tmp_path / "mine.npz", **mine)
    rules = ("--rename", r"fc(\d)\.w=>dense_\1/kernel", "--rename", r"fc(\d)\.b=>dense_\1/bias")
    assert call(tmp_path / "mine.npz", reference, *rules)[0] == 0
    code, text, _ = call(tmp_path / "mine.npz", reference)
    assert code == 2
    assert "No name is known to both sides" in text
    code, text, told = call(tmp_path / "mine.npz", reference, "--rename", "zzz=>a")
    assert (code, text) == (2, "")
    assert "The pattern 'zzz' is found in none of fc1.w, fc1.b, fc2.w, fc2.b." in told
    code, text, told = call(tmp_path / "mine.npz", reference, "--rename", "fc")
    assert (code, text, "is no rule" in told) == (2, "", True)


def test_a_rule_need_not_be_of_use_in_every_file(
    evaluation: Evaluation, write: Write, reference: Path, tmp_path: Path
) -> None:
    short = {"dense_1/kernel": "W1", "dense_1/bias": "b1", "dense_2/kernel": "W2", "dense_2/bias": "b2"}
    np.savez(tmp_path / "short.npz", **{short[n]: a for n, a in evaluation.gradients.items()})
    rules = ("--rename", r"W(\d)=>dense_\1/kernel", "--rename", r"b(\d)=>dense_\1/bias")
    (tmp_path / "empty.npz").touch()
    assert call(write("right"), tmp_path / "short.npz", reference, *rules)[0] == 0
    assert call(tmp_path / "short.npz", write("right"), tmp_path / "empty.npz", reference, *rules)[0] == 2
    assert call(write("right"), reference, *rules)[0] == 0  # one late file, whose names are right
    odd = write("odd", dense_1__bias=None, c1=evaluation.gradients["dense_1/bias"])
    code, text, told = call(write("right"), odd, reference, *rules)
    assert (code, text, "The pattern 'W" in told) == (2, "", True)
    code, text, _ = call(tmp_path / "short.npz", reference, "--rename", ".*=>dense_1/kernel")
    assert (code, "W1 and b1 would both be called dense_1/kernel." in " ".join(text.split())) == (2, True)


@pytest.mark.parametrize("form", ["f2", "f4", "f8"])
def test_a_handout_is_told_from_gradients(
    form: str, evaluation: Evaluation, write: Write, reference: Path, tmp_path: Path
) -> None:
    problem = evaluation.problem
    handout = {**problem.parameters, "x": problem.x, "y": problem.y}
    np.savez(tmp_path / "handout.npz", **{name: array.astype(form) for name, array in handout.items()})
    code, text, _ = call(tmp_path / "handout.npz", reference)
    assert code == 2
    assert "handout.npz holds the problem's own parameters, as its handout does, and not gradients" in " ".join(
        text.split()
    )
    code, text, told = call(write("right"), tmp_path / "handout.npz")
    assert (code, text) == (2, "")
    assert "holds x and y beside its other arrays, as the handout of a problem does" in told
    np.savez(tmp_path / "own.npz", x=np.ones(2), y=np.ones(2), w=np.ones(2))  # gradients of a function of x, y and w
    assert call(tmp_path / "own.npz", tmp_path / "own.npz")[0] == 0


def test_a_reference_given_first_is_hinted_at(write: Write, reference: Path, evaluation: Evaluation) -> None:
    wrong = write("wrong", dense_1__bias=-evaluation.gradients["dense_1/bias"])
    code, _, told = call(reference, wrong)
    assert code == 1
    assert f"{reference} knows its network and {wrong} does not. Are the two swapped?" in told
    for files in ((wrong, reference), (reference, write("right")), (wrong, write("right"))):
        assert "swapped" not in call(*files)[2]


def test_a_file_held_against_itself_is_hinted_at(write: Write, reference: Path) -> None:
    code, _, told = call(write("right"), reference.parent / "." / reference.name, reference)
    assert code == 0
    assert "was held against itself, which proves nothing" in told
    assert "itself" not in call(write("right"), reference)[2]


def test_a_second_set_that_is_mine_is_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    old = {n: a.astype("f4") for n, a in evaluation.gradients.items()}
    bad = {**old, "dense_1/kernel": old["dense_1/kernel"] * np.float32(1.001)}
    for name, arrays in {"old": old, "bad": bad, "half": {n: a.astype("f2") for n, a in bad.items()}}.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    np.savez(tmp_path / "short.npz", **{"dense_1/kernel": old["dense_1/kernel"]})
    paths = {name: tmp_path / f"{name}.npz" for name in ("old", "bad", "half", "short")}
    code, text, _ = call(paths["bad"], paths["old"], "--repeat", paths["bad"])
    assert (code, "is bit-equal to the second set" in " ".join(text.split())) == (2, True)
    code, text, told = call(paths["bad"], paths["old"], "--repeat", paths["half"])
    assert (code, text, "half.npz does not fit the reference." in told) == (2, "", True)
    assert "is float16 in the second set, but float32 in the reference" in told
    code, text, told = call(paths["bad"], paths["old"], "--repeat", paths["short"])
    assert (code, text, "The second set has no array of the right shape for dense_" in told) == (2, "", True)


def test_a_coarser_file_is_judged_in_its_own_rounding(evaluation: Evaluation, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    exact = dict(evaluation.gradients)
    old, again = ({n: (a * (1 + 1e-7 * rng.normal(size=a.shape))).astype("f4") for n, a in exact.items()} for _ in "12")
    half = {n: a.astype("f2") for n, a in exact.items()}
    for name, arrays in {"exact": exact, "old": old, "again": again, "half": half}.items():
        np.savez(tmp_path / f"{name}.npz", **arrays)
    for option, value in (("--float64", "exact"), ("--repeat", "again")):
        code, text, _ = call(tmp_path / "half.npz", tmp_path / "old.npz", option, tmp_path / f"{value}.npz")
        assert (code, "Judged by the second set of gradients, widened to float16" in text) == (0, True)


def test_without_a_network_the_noise_must_be_named(evaluation: Evaluation, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    exact = dict(evaluation.gradients)
    coarse, again, mine = (
        {n: (a * (1 + 1e-7 * rng.normal(size=a.shape))).astype("f4") for n, a in exact.items()} for _ in "123"
    )
    wrong = {**mine, "dense_1/bias": mine["dense_1/bias"] * np.float32(1.01)}
    paths = {}
    for name, arrays in {"exact": exact, "coarse": coarse, "again": again, "mine": mine, "wrong": wrong}.items():
        paths[name] = tmp_path / f"{name}.npz"
        np.savez(paths[name], **arrays)
    code, text, _ = call(paths["mine"], paths["coarse"])
    assert (code, text.split(":")[0]) == (2, "? INCONCLUSIVE")
    assert "relative L2" in text
    for option, value in (("--float64", paths["exact"]), ("--repeat", paths["again"]), ("--rtol", "1e-5")):
        assert call(paths["mine"], paths["coarse"], option, value)[0] == 0
        code, text, _ = call(paths["wrong"], paths["coarse"], option, value)
        assert (code, text.split(":")[0]) == (1, "✗ DIFFERENT")
    code, _, told = call(paths["mine"], paths["coarse"], "--float64", paths["again"])
    assert (code, "is float32. Compute this set in float64, or use --repeat" in told) == (2, True)
    code, _, told = call(paths["mine"], paths["coarse"], "--repeat", paths["coarse"])
    assert (code, "says nothing about rounding" in told) == (2, True)
    code, _, told = call(paths["mine"], paths["coarse"], "--rtol", "1e-5", "--repeat", paths["again"])
    assert (code, "twice how much is rounding" in told) == (2, True)


@pytest.mark.parametrize("rtol", ["0", "-1", "nan", "inf"])
def test_a_tolerance_that_makes_no_sense(rtol: str, reference: Path) -> None:
    code, text, told = call(reference, reference, "--rtol", rtol)
    assert (code, text) == (2, "")
    assert "expected a finite number above 0" in told


def test_a_tensor_that_repeats_to_the_bit_accuses_nobody(tmp_path: Path) -> None:
    """A repeated run says nothing about rounding where it rounds the same way."""
    first = {"a": np.float32([1, 2]), "b": np.float32([1, 2])}
    np.savez(tmp_path / "r.npz", **first)
    np.savez(tmp_path / "again.npz", **{**first, "a": np.float32([1 + 1e-7, 2])})
    np.savez(tmp_path / "mine.npz", **{**first, "b": np.float32([1 + 2e-7, 2])})
    code, text, _ = call(tmp_path / "mine.npz", tmp_path / "r.npz", "--repeat", tmp_path / "again.npz")
    assert (code, text.split(":")[0]) == (2, "? INCONCLUSIVE")


def test_kinks_are_allowed_only_on_demand(tmp_path: Path) -> None:
    mlp = MLP(1, [Dense(2, "relu"), Dense(1)])
    parameters = {
        "dense_1/kernel": np.array([[1.0, 1.0]]),
        "dense_1/bias": np.array([-1.0, 0.5]),
        "dense_2/kernel": np.array([[1.0], [2.0]]),
        "dense_2/bias": np.array([0.0]),
    }
    e = mlp.backpropagate(parameters, np.array([[1.0], [2.0]]), np.array([[0.5], [0.0]]), "mse")  # u = 0 at [0, 0]
    other = {n: g.copy() for n, g in e.gradients.items()}
    delta = e.nodes["dense_1/dE_dz"][0, 0]
    other["dense_1/kernel"][0, 0] += delta
    other["dense_1/bias"][0] += delta
    np.savez(tmp_path / "mine.npz", **other)
    e.save(tmp_path / "r.npz")
    code, text, _ = call(tmp_path / "mine.npz", tmp_path / "r.npz")
    assert (code, text.split(":")[0]) == (1, "? KINK")
    assert call(tmp_path / "mine.npz", tmp_path / "r.npz", "--allow-kinks")[0] == 0


def test_the_worst_entries_have_coordinates_and_both_values(
    write: Write, reference: Path, evaluation: Evaluation
) -> None:
    kernel = evaluation.gradients["dense_1/kernel"].copy()
    kernel[3, 1] += 10
    kernel[0, 2] -= 20
    file = write("mine", dense_1__kernel=kernel)
    _, text, _ = call(file, reference, "--top", "2")
    entries = [line.split() for line in text[text.index("Worst entries") :].splitlines()[3:]]
    assert [line[-1] for line in entries] == ["2.0e+01", "1.0e+01"]
    assert entries[0][:3] == ["dense_1/dE_dkernel", "[0,", "2]"]
    data = json.loads(call(file, reference, "--top", "1", "--format", "json")[1])
    true = float(evaluation.gradients["dense_1/kernel"][0, 2])
    assert data["files"][0]["worst"] == [
        {"node": "dense_1/dE_dkernel", "index": [0, 2], "hand": kernel[0, 2], "reference": true}
    ]
    _, text, _ = call(file, write("right"), reference, "--top", "1", "--format", "markdown")
    assert f"{kernel[0, 2]:.6g}"[:6] in text
    _, text, _ = call(file, write("right"), reference, "--top", "1")
    assert f"Worst entries of {file}"[:60] in text.replace("\n", "")


def test_json_is_one_object_for_one_file_and_for_many(write: Write, reference: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.npz").touch()
    code, text, _ = call(write("a"), tmp_path / "empty.npz", reference, "--format", "json")
    data = json.loads(text)
    assert (code, data["exit_code"]) == (2, 2)
    assert [one["verdict"] for one in data["files"]] == ["MATCH", "UNREADABLE"]
    assert data["files"][0]["diff"]["rows"][0]["status"] == "MATCH"
    assert data["files"][1]["diff"] is None
    assert "is empty" in data["files"][1]["message"]


def test_csv_and_markdown_of_one_file_are_its_rows(write: Write, reference: Path) -> None:
    rows = list(csv.DictReader(io.StringIO(call(write("a"), reference, "--format", "csv")[1])))
    assert rows[0]["name"] == "dense_2/dE_dkernel"
    assert {row["status"] for row in rows} == {"MATCH"}
    text = call(write("a"), reference, "--format", "markdown")[1]
    assert text.startswith("**MATCH")
    assert text.endswith("|\n")


def test_out_holds_a_report_of_each_and_a_summary(write: Write, reference: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.npz").touch()
    files = [write("anna/g"), write("ben/g", dense_1__bias=np.ones(3)), tmp_path / "empty.npz"]
    code, _, told = call(*files, reference, "--out", tmp_path / "marks")
    assert code == 1
    assert "summary.csv and 2 reports" in told
    marks = tmp_path / "marks"
    names = [".gradient-diff", ".judged-by", "anna_g", "ben_g", "summary.csv"]
    assert sorted(p.name for p in marks.iterdir()) == names
    rows = list(csv.DictReader(io.StringIO((marks / "summary.csv").read_text("utf-8-sig"))))
    assert [row["report"] for row in rows] == ["anna_g/report.html", "ben_g/report.html", ""]
    for row in rows[:2]:
        assert (marks / row["report"]).read_text("utf-8").startswith("<!DOCTYPE html>")


def test_a_late_file_joins_the_marks(write: Write, reference: Path, tmp_path: Path) -> None:
    marks = tmp_path / "marks"
    call(write("anna"), write("ben", dense_1__bias=np.ones(3)), reference, "--out", marks)
    code, _, told = call(write("late"), write("ben"), reference, "--out", marks)
    assert (code, "summary.csv and 2 reports; 1 other file there kept" in told) == (0, True)
    rows = list(csv.DictReader(io.StringIO((marks / "summary.csv").read_text("utf-8-sig"))))
    assert [(Path(row["file"]).stem, row["verdict"], row["report"]) for row in rows] == [
        ("anna", "MATCH", "anna/report.html"),
        ("ben", "MATCH", "ben/report.html"),
        ("late", "MATCH", "late/report.html"),
    ]
    assert all((marks / row["report"]).is_file() for row in rows)
    before = {path: path.read_bytes() for path in marks.rglob("*") if path.is_file()}
    code, text, told = call(write("late"), write("anna"), "--out", marks)
    assert (code, text, "holds marks of 2 other files against another reference" in told) == (2, "", True)
    assert "Choose another --out, or remove that folder first." in told
    assert {path: path.read_bytes() for path in marks.rglob("*") if path.is_file()} == before


def test_a_place_that_cannot_be_written_is_told_and_nothing_is_left(
    write: Write, reference: Path, tmp_path: Path
) -> None:
    (tmp_path / "marks").mkdir()
    (tmp_path / "marks" / "mine.txt").touch()
    before = sorted(tmp_path.iterdir())
    code, text, told = call(write("a"), reference, "--out", tmp_path / "marks")
    assert (code, text) == (2, "")
    assert "holds files that gradient-diff did not write" in told
    assert sorted(tmp_path.iterdir()) == sorted([*before, tmp_path / "a.npz"])
    assert [p.name for p in (tmp_path / "marks").iterdir()] == ["mine.txt"]


HOSTILE = ["<script>alert(1)<\x1b[31mred\nline", "x" * 240, "ünï…✓[red]", "=1+1", "..", "-rf"]


def test_hostile_names_do_no_harm(write: Write, reference: Path, tmp_path: Path) -> None:
    files = [write(f"class/{name}") for name in HOSTILE]
    code, text, told = call(*files, reference)
    assert code == 0
    assert "\x1b" not in text + told
    assert all(c == "\n" or c.isprintable() for c in text)
    assert f"{len(HOSTILE)} files: {len(HOSTILE)} MATCH" in text
    code, text, told = call(*files[:2], reference, "--out", tmp_path / "marks")
    assert code == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["class", "marks", "reference.npz"]
    folders = [p for p in (tmp_path / "marks").iterdir() if p.is_dir()]
    assert sorted(p.name for p in folders) == ["_script_alert_1____31mred_line", "x" * 60]
    pages = [(folder / "report.html").read_text("utf-8") for folder in folders]
    assert not any("<script>alert" in page or "\x1b" in page for page in pages)
    rows = list(csv.reader(io.StringIO((tmp_path / "marks" / "summary.csv").read_text("utf-8-sig"))))
    assert len(rows) == 3


def test_hostile_names_of_arrays_do_no_harm(write: Write, reference: Path, tmp_path: Path) -> None:
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


def test_an_evaluation_of_another_problem_is_not_compared(
    evaluation: Evaluation, reference: Path, tmp_path: Path
) -> None:
    problem = evaluation.problem
    other = MLP_432.backpropagate(problem.parameters, problem.x + 1, problem.y, "mse").save(tmp_path / "other.npz")
    code, text, _ = call(other, reference)
    assert code == 2
    assert "are of different problems" in " ".join(text.split())
    assert call(reference, reference)[0] == 0
    code, text, _ = call(reference, reference, "--rename", "a=>b")
    assert (code, "--rename has no use" in text) == (2, True)


def test_one_file_is_no_comparison(reference: Path) -> None:
    code, text, told = call(reference)
    assert (code, text) == (2, "")
    assert "One file is no comparison: give yours first, and the reference last." in told


def test_every_status_has_an_exit_code_of_the_plan() -> None:
    from gradient_diff.cli.marking import Marked, exit_code
    from gradient_diff.render.summary import SummaryLine

    codes = {s.name: exit_code([Marked(SummaryLine("a", s.name))], allow_kinks=False) for s in Status}
    assert codes == {s.name: {Status.MATCH: 0, Status.INCONCLUSIVE: 2, Status.VACUOUS: 2}.get(s, 1) for s in Status}


def test_neither_tensorflow_nor_what_is_not_needed_is_loaded(write: Write, reference: Path) -> None:
    code = """
import sys
from gradient_diff.cli import app
app()(["compare", *sys.argv[1:]], standalone_mode=False)
"""
    heavy = ("tensorflow", "keras", "pandas", "matplotlib", "h5py", "safetensors", "jinja2")
    probe = f"import atexit, sys; atexit.register(lambda: print(*(n for n in {heavy!r} if n in sys.modules)))\n{code}"
    command = [sys.executable, "-c", probe, str(write("a")), str(reference)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == ""
    assert done.stderr.startswith("Comparing ")


def test_the_first_line_comes_before_anything_that_takes_longer_than_numpy(tmp_path: Path) -> None:
    """Imports are watched while the line is not yet out; the file's own reader comes after it."""
    watched = """
import sys
class Watch:
    def find_spec(self, name, path=None, target=None):
        if name in ("tensorflow", "keras", "pandas", "matplotlib", "h5py", "safetensors", "jinja2", "rich.table"):
            sys.stderr.write(f"{name} was imported\\n")
sys.meta_path.insert(0, Watch())
from gradient_diff.cli import main
sys.argv = ["gradient-diff", "compare", "a.h5", "b.h5"]
main()
"""
    for name in ("a.h5", "b.h5"):
        (tmp_path / name).write_bytes(b"\x89HDF\r\n\x1a\n")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", watched]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    first, *others = done.stderr.splitlines()
    assert first == "Comparing a.h5 with b.h5 …"
    assert "h5py was imported" in others  # so an import would have been seen
