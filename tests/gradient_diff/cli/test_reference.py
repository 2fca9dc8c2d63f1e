"""References of every kind, and the noise that a caller names for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from gradient_diff.cli.marking import mark
from gradient_diff.cli.reference import check_no_handout, reference_of, with_noise
from manual_mlp import Evaluation, save_parameters


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


def test_a_second_set_without_a_name_is_refused(evaluation: Evaluation, tmp_path: Path) -> None:
    short = {name: array.astype(float) for name, array in evaluation.gradients.items() if "bias" in name}
    path = save_parameters(tmp_path / "short", short)
    with pytest.raises(ValueError, match=r"no array of the right shape for dense_1/dE_dkernel"):
        with_noise(reference_of(evaluation, "r.npz"), path, float64=True)


def test_a_tensor_that_repeats_to_the_bit_names_no_noise(evaluation: Evaluation, tmp_path: Path) -> None:
    again = {n: np.nextafter(g, np.float32(9)) if n == "dense_1/kernel" else g for n, g in evaluation.gradients.items()}
    reference = with_noise(reference_of(evaluation, "r.npz"), save_parameters(tmp_path / "again", again), float64=False)
    assert reference.noise is not None
    assert set(reference.noise.sigma) == {"dense_1/dE_dkernel"}
    path = save_parameters(tmp_path / "same", evaluation.gradients)
    with pytest.raises(ValueError, match="bit-equal to the reference, which says nothing about rounding"):
        with_noise(reference_of(evaluation, "r.npz"), path, float64=False)


def test_gradients_that_equal_some_parameters_are_gradients(evaluation: Evaluation) -> None:
    reference = reference_of(evaluation, "r.npz")
    own = dict(evaluation.problem.parameters)
    with pytest.raises(ValueError, match=r"a\.npz holds the problem's own parameters.*: dense_1/kernel, dense_1/bias"):
        check_no_handout(Path("a.npz"), own, reference)
    check_no_handout(Path("a.npz"), {**own, "dense_1/kernel": own["dense_1/kernel"] + 1}, reference)
    check_no_handout(Path("a.npz"), {"dense_1/bias": own["dense_1/bias"]}, reference)


def test_data_beside_gradients_are_a_handout_only_where_the_reference_has_none() -> None:
    arrays = {"dense_1/bias": np.ones(2), "x": np.ones((3, 1)), "y": np.ones((3, 2))}
    with pytest.raises(ValueError, match="save them alone"):
        check_no_handout(Path("a.npz"), arrays, reference_of({"dense_1/bias": np.ones(2)}, "r.npz"))
    with pytest.raises(ValueError, match=r"and not gradients\. The reference is the file"):
        reference_of(arrays, "r.npz")
    for other in ({"x": np.ones(2)}, {"x": np.ones((2, 1))}, {"w": np.ones(2)}):  # gradients by x and y
        reference = reference_of({**arrays, **other}, "r.npz")
        check_no_handout(Path("a.npz"), arrays, reference)
