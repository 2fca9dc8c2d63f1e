"""`gradient-diff problem`: a reference for a class, and a handout without the answer."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from gradient_diff.cli import app
from manual_mlp import Evaluation, load_parameters, save_parameters

ROOT = Path(__file__).parents[3]


def call(*arguments: object, columns: int = 200) -> tuple[int, str, str]:
    """Exit code, what is printed, and what is told besides, without boxes and line breaks."""
    environment = {"COLUMNS": str(columns), "NO_COLOR": "1", "TERM": "dumb"}
    result = CliRunner().invoke(app(), ["problem", *map(str, arguments)], env=environment)
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, " ".join(re.sub(r"[─-╿]", " ", result.stderr).split())


def test_reference_and_handout(tmp_path: Path) -> None:
    code, text, told = call("4-5-3", "--out", tmp_path / "r.npz", "--handout", tmp_path / "h.npz")
    assert code == 0
    assert told == "Computing the right answer of 4-5-3 …"
    assert "dense_1/kernel (4, 5), dense_1/bias (5,), dense_2/kernel (5, 3), dense_2/bias (3,)" in text
    assert "E = 1/(N·K) Σ_n Σ_k (ŷ − y)²" in text
    assert text.startswith("4-5-3 (sigmoid, linear), mean_squared_error, batch 7, float64: E = ")
    assert "Warning" not in text
    assert "Hint" not in text
    e, handout = Evaluation.load(tmp_path / "r.npz"), load_parameters(tmp_path / "h.npz")
    assert handout.keys() == {*e.problem.parameters, "x", "y"}
    given = {"x": e.problem.x, "y": e.problem.y, **e.problem.parameters}
    assert all(np.array_equal(handout[name], given[name]) for name in handout)
    assert all(a.any() for a in handout.values())  # a bias of zeros would hide what is done with it
    again = e.problem.mlp.backpropagate(e.problem.parameters, e.problem.x, e.problem.y, e.problem.loss)
    assert all(np.array_equal(again.nodes[n], e.nodes[n]) for n in e.nodes)


def test_a_seed_gives_the_same_problem_in_every_release(tmp_path: Path) -> None:
    text = call("4-3-2", "--loss", "mse", "--activation", "tanh", "--batch", 5, "--out", tmp_path / "r.npz")[1]
    assert text.startswith("4-3-2 (tanh, linear), mean_squared_error, batch 5, float64: E = 2.61336\n")


def test_the_handout_holds_no_answer(tmp_path: Path) -> None:
    call("4-3-2", "--out", tmp_path / "r.npz", "--handout", tmp_path / "h.npz")
    handout = load_parameters(tmp_path / "h.npz")
    for node, array in Evaluation.load(tmp_path / "r.npz").nodes.items():
        assert not any(a.shape == array.shape and np.allclose(a, array) for a in handout.values()), node


def test_the_seed_makes_it_and_another_makes_another(tmp_path: Path) -> None:
    files = [tmp_path / f"{i}.npz" for i in range(3)]
    for path, seed in zip(files, (5, 5, 6), strict=True):
        assert call("3-2", "--seed", seed, "--out", path)[0] == 0
    first, same, other = map(Evaluation.load, files)
    assert np.array_equal(first.problem.x, same.problem.x)
    assert not np.array_equal(first.problem.x, other.problem.x)
    assert not np.array_equal(first.problem.y, other.problem.y)


@pytest.mark.parametrize(
    "loss", ["mse", "binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy"]
)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_every_loss_gets_its_targets(loss: str, dtype: str, tmp_path: Path) -> None:
    options = ("--loss", loss, "--dtype", dtype, "--batch", 11, "--activation", "tanh")
    assert call("4-3-2", *options, "--out", tmp_path / "r.npz")[0] == 0
    problem = Evaluation.load(tmp_path / "r.npz").problem
    assert (problem.batch, problem.dtype.name) == (11, dtype)
    assert {a.dtype.name for a in problem.parameters.values()} == {dtype}


def test_parameters_and_data_of_ones_own(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    own = {"dense_1/kernel": rng.normal(size=(3, 2)), "dense_1/bias": rng.normal(size=2)}
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    save_parameters(tmp_path / "w.npz", own)
    save_parameters(tmp_path / "d.npz", {"x": x, "y": y})
    files = ("--parameters", tmp_path / "w.npz", "--data", tmp_path / "d.npz", "--out", tmp_path / "r.npz")
    assert call("3-2", *files)[0] == 0
    problem = Evaluation.load(tmp_path / "r.npz").problem
    assert np.array_equal(problem.parameters["dense_1/kernel"], own["dense_1/kernel"])
    assert np.array_equal(problem.x, x)
    assert np.array_equal(problem.y, y)
    np.savez(tmp_path / "w.npz", *own.values())  # in order
    assert call("3-2", *files, "--force")[0] == 0
    (tmp_path / "r.npz").rename(tmp_path / "old.npz")
    assert call("3-2", "--parameters", tmp_path / "old.npz", "--out", tmp_path / "r.npz")[0] == 0  # of an Evaluation
    assert np.array_equal(Evaluation.load(tmp_path / "r.npz").problem.parameters["dense_1/bias"], own["dense_1/bias"])


def test_labels_that_are_whole_numbers_in_floats_are_labels(tmp_path: Path) -> None:
    save_parameters(tmp_path / "d.npz", {"x": np.ones((3, 4)), "y": np.array([0.0, 1.0, 1.0])})
    options = ("--loss", "sparse_categorical_crossentropy", "--data", tmp_path / "d.npz")
    assert call("4-2", *options, "--out", tmp_path / "r.npz")[0] == 0


def test_what_a_problem_cannot_show_is_told(tmp_path: Path) -> None:
    save_parameters(tmp_path / "d.npz", {"x": np.zeros((4, 3)), "y": np.ones((4, 2))})
    _, text, _ = call("3-2", "--data", tmp_path / "d.npz", "--out", tmp_path / "r.npz")
    assert "Warning: dense_1/dE_dkernel proves nothing here" in text
    save_parameters(tmp_path / "d.npz", {"x": np.zeros((4, 3)), "y": np.zeros((4, 2))})
    save_parameters(tmp_path / "w.npz", {"dense_1/kernel": np.zeros((3, 2)), "dense_1/bias": np.zeros(2)})
    options = ("--data", tmp_path / "d.npz", "--parameters", tmp_path / "w.npz")
    _, text, _ = call("3-2", *options, "--out", tmp_path / "zero.npz")
    assert "Warning: dense_1/dE_dkernel, dense_1/dE_dbias prove nothing here (both" in text
    _, text, _ = call("4-1-4", "--out", tmp_path / "ones.npz")
    assert "Hint: batch or widths are equal or 1 (4, 1), so some mistakes look alike" in text
    _, text, _ = call("4-3-2", "--out", tmp_path / "two.npz")
    assert "Hint: of 2 outputs 1/(2N) and 1/(N·K) are the same; another number of outputs tells them apart." in text
    _, text, _ = call("4-3-2", "--loss", "quadratic_cost", "--out", tmp_path / "half.npz")
    assert "Hint" not in text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("4-",), "a width is missing"),
        (("4-2", "--loss", "msee"), "Did you mean 'mse'?"),
        (("4-3-2", "--activation", "sigmiod"), "Did you mean 'sigmoid'?"),
        (("4-3-2", "--activation", "step"), "Use 'sigmoid' in its place to train"),
        (("4-2", "--batch", "0"), "Invalid value for '--batch'"),
        (("4-2", "--data", "gone.npz"), "gone.npz: no such file"),
        (("4-2", "--data", "w.npz"), "w.npz holds dense_1/kernel: expected arrays x and y"),
        (("4-2", "--data", "d.npz", "--batch", "4"), "--batch 4, but x in d.npz has shape (5, 3)"),
        (("4-2", "--data", "d.npz"), "x has 3 features per sample, but the network was described with 4 inputs"),
        (("3-2", "--parameters", "w.npz"), "missing dense_1/bias"),
        (("3-2", "--parameters", "d.npz"), "No name is known to both sides"),
        (("3-2", "--parameters", "gone.npz"), "gone.npz: No such file"),
        (("3-2", "--handout", "r"), "the handout would overwrite the reference"),
        (("3-2", "--handout", "no/where.npz"), "cannot be written"),
        (("3-2", "--handout", "w.npz"), "w.npz is there already, and would be replaced. Choose another name, or add"),
        (("3-2", "--handout", "h.txt"), "h.txt: expected a name that ends in .npz. Write h.npz."),
        (("6000000-6000000-2",), "too large for this machine's memory (Unable to allocate"),
    ],
)
def test_bad_input_is_told_and_nothing_is_written(
    arguments: tuple[str, ...], text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    save_parameters("w.npz", {"dense_1/kernel": np.ones((3, 2))})
    save_parameters("d.npz", {"x": np.ones((5, 3)), "y": np.ones((5, 2))})
    code, printed, told = call(*arguments, "--out", "r.npz")
    assert (code, printed) == (4, "")
    assert text in told
    assert sorted(p.name for p in tmp_path.iterdir()) == ["d.npz", "w.npz"]


@pytest.mark.parametrize("taken", ["r.npz", "h.npz"])
def test_what_a_class_hangs_on_is_replaced_only_on_demand(taken: str, tmp_path: Path) -> None:
    (tmp_path / taken).write_bytes(b"precious")
    places = ("--out", tmp_path / "r", "--handout", tmp_path / "h.npz")
    code, text, told = call("3-2", *places)
    assert (code, text, [p.name for p in tmp_path.iterdir()]) == (4, "", [taken])
    assert "is there already, and would be replaced. Choose another name, or add --force." in told
    assert (tmp_path / taken).read_bytes() == b"precious"
    assert call("3-2", *places, "--force")[0] == 0
    assert Evaluation.load(tmp_path / "r.npz").problem.mlp.outline == "3-2"
    assert "x" in load_parameters(tmp_path / "h.npz")


def test_of_reference_and_handout_both_or_none(tmp_path: Path) -> None:
    code, _, told = call("3-2", "--handout", tmp_path / "h.npz", "--out", tmp_path / "no" / "r.npz")
    assert (code, "cannot be written" in told) == (4, True)
    assert list(tmp_path.iterdir()) == []


def test_tensorflow_is_not_loaded(tmp_path: Path) -> None:
    code = """
import sys
from gradient_diff.cli import app
app()(["problem", "4-3-2", "--out", sys.argv[1]], standalone_mode=False)
print(*(name for name in ("tensorflow", "keras", "pandas", "matplotlib") if name in sys.modules))
"""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", code, str(tmp_path / "r.npz")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
