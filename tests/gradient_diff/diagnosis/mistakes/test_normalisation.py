"""Each mistake in a normalisation, planted by a derivation that shares nothing with the engine, is named first."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from experiments.students.normalised import NAMED, OF_THE_BATCH, Over, normalised_gradients
from gradient_diff import MISTAKES, GradientDiff, Status, compare
from manual_mlp import MLP, Array, Dense
from manual_mlp.layers import BatchNormalization, LayerNormalization

KINDS: dict[Over, type[BatchNormalization | LayerNormalization]] = {
    "batch": BatchNormalization,
    "row": LayerNormalization,
}


def problem(over: Over, dtype: str, units: int = 5, batch: int = 7) -> tuple[MLP, dict[str, Array], Array, Array]:
    rng = np.random.default_rng(units)
    mlp = MLP(4, [Dense(units, "tanh"), KINDS[over](), Dense(3, "softmax")])
    weights = {n: a + 0.3 * rng.normal(size=a.shape) for n, a in mlp.initialize(1).items()}
    weights = {n: np.abs(a) if n.endswith(("gamma", "variance")) else a for n, a in weights.items()}
    x, y = rng.normal(size=(batch, 4)), np.eye(3)[rng.integers(0, 3, batch)]
    return mlp, {n: a.astype(dtype) for n, a in weights.items()}, x.astype(dtype), y.astype(dtype)


def diff(over: Over, dtype: str, wrong: str, **sizes: int) -> GradientDiff:
    mlp, w, x, y = problem(over, dtype, **sizes)
    training = wrong != "of the batch in inference"
    mine = normalised_gradients(w, x, y, over, wrong, training)
    return compare(
        {n: a.astype(dtype) for n, a in mine.items()},
        mlp.backpropagate(w, x, y, "categorical_crossentropy", training=training),
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("over", KINDS)
def test_a_right_derivation_passes(over: Over, dtype: str) -> None:
    found = diff(over, dtype, "")
    assert found.ok
    assert found.causes == ()


@pytest.mark.matrix(most=18)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(
    ("over", "wrong"), [*itertools.product(KINDS, NAMED), *itertools.product(["batch"], OF_THE_BATCH)]
)
def test_each_mistake_is_named_first_and_in_its_layer(over: Over, dtype: str, wrong: str) -> None:
    found = diff(over, dtype, wrong)
    assert found.verdict is Status.MISMATCH
    assert found.causes[0].id == {**NAMED, **OF_THE_BATCH}[wrong]
    assert found.causes[0].layer.endswith("normalization_1")


@pytest.mark.parametrize("over", KINDS)
def test_where_the_batch_is_as_long_as_the_layer_is_wide_the_other_axis_is_still_told(over: Over) -> None:
    assert diff(over, "float64", "axis", units=7, batch=7).causes[0].id == "statistics_axis"


def test_each_mistake_of_the_family_is_planted() -> None:
    planted = {*NAMED.values(), *OF_THE_BATCH.values()}
    assert planted == {name for name, mistake in MISTAKES.items() if mistake.family == "normalisation"}
    assert planted == {
        "gamma_beta_exchanged",
        "gamma_not_sent_down",
        "gamma_without_normalising",
        "moving_statistics",
        "other_epsilon",
        "statistics_axis",
        "statistics_constant",
        "statistics_path_missing",
        "unbiased_variance",
    }
