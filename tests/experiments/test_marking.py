"""References of every kind, and the noise that a caller names for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from experiments.marking import mark, reference_of, with_noise
from gradient_diff import Status
from manual_mlp import MLP, Dense, Evaluation, save_parameters


@pytest.fixture(scope="module")
def evaluation() -> Evaluation:
    mlp = MLP(3, [Dense(2, "tanh"), Dense(1)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), rng.normal(size=(5, 1))
    return mlp.backpropagate(mlp.initialize(0, dtype="float32"), x, y, "mse")


def test_only_an_archive_and_an_evaluation_keep_an_order(evaluation: Evaluation) -> None:
    arrays = dict(evaluation.gradients)
    assert list(reference_of(evaluation, "r.npz").parameters) == list(evaluation.problem.mlp.parameter_shapes)
    assert list(reference_of(arrays, "r.npz").parameters) == list(arrays)
    assert not reference_of(arrays, "r.h5").parameters
    assert reference_of(arrays, "r.h5").others == tuple(arrays)


def test_noise_may_be_named_for_a_known_network_too(evaluation: Evaluation, tmp_path: Path) -> None:
    assert evaluation.rerun is not None
    exact = save_parameters(tmp_path / "exact.npz", evaluation.rerun().gradients)
    mine = {name: array + np.abs(array).max() / 100 for name, array in evaluation.gradients.items()}
    wrong, right = save_parameters(tmp_path / "wrong.npz", mine), save_parameters(tmp_path / "b", evaluation.gradients)
    reference = with_noise(reference_of(evaluation, "r.npz"), exact, float64=True)
    assert reference.noise is not None
    assert set(reference.noise.sigma) == {f"dense_{i}/dE_d{kind}" for i in (1, 2) for kind in ("kernel", "bias")}
    verdicts = [one.line.verdict for one in mark([wrong, right], reference)]
    assert verdicts == ["DIFFERENT", "MATCH"]  # a noise that is named asks no witness


def test_the_diff_that_is_kept_holds_no_arrays(evaluation: Evaluation, tmp_path: Path) -> None:
    path = save_parameters(tmp_path / "g", evaluation.gradients)
    (one,) = mark([path], reference_of(evaluation, "r.npz"), top=1)
    assert one.diff is not None
    assert one.diff.verdict is Status.MATCH
    assert sum(a.size for side in (one.diff.hand, one.diff.reference) for a in side.values()) == 0
    assert one.diff.hand.keys() == {row.name for row in one.diff.rows}


def test_a_second_set_without_a_name_is_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    short = {name: array.astype(float) for name, array in evaluation.gradients.items() if "bias" in name}
    path = save_parameters(tmp_path / "short", short)
    with pytest.raises(ValueError, match=r"no array of the right shape for dense_1/dE_dkernel"):
        with_noise(reference_of(evaluation, "r.npz"), path, float64=True)
