"""Mistakes in penalties, made by a derivation that shares nothing with the engine."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from experiments.students.penalised import NAMED, Lambdas, penalised_gradients
from gradient_diff import GradientDiff, compare
from manual_mlp import MLP, Dense, Evaluation, evaluation_of
from manual_mlp.extend import draw_data

OF: dict[str, Lambdas] = {
    "kernel, l1": Lambdas(kernel=(0.03, 0.0)),
    "kernel, l2": Lambdas(kernel=(0.0, 0.02)),
    "bias, l1": Lambdas(bias=(0.03, 0.0)),
    "bias, l2": Lambdas(bias=(0.0, 0.02)),
    "activity, l1": Lambdas(activity=(0.03, 0.0)),
    "activity, l2": Lambdas(activity=(0.0, 0.02)),
    "activity, both": Lambdas(activity=(0.03, 0.02)),
    "kernel, both": Lambdas(kernel=(0.03, 0.02)),
    "all": Lambdas((0.03, 0.02), (0.01, 0.04), (0.02, 0.05)),
}
BATCH = 11


def _reference(lambdas: Lambdas, dtype: str) -> Evaluation:
    (k1, k2), (b1, b2), (a1, a2) = lambdas.kernel, lambdas.bias, lambdas.activity
    weights = {"kernel_l1": k1, "kernel_l2": k2, "bias_l1": b1, "bias_l2": b2}
    mlp = MLP(3, [Dense(5, "tanh", **weights, activity_l1=a1, activity_l2=a2), Dense(2, **weights)])  # type: ignore[arg-type]  # numbers
    rng = np.random.default_rng(0)
    w = {n: a.astype(dtype) for n, a in mlp.initialize(rng, "glorot_normal", "normal(0.3)").items()}
    mixed = {n: np.where(np.arange(len(a)) % 2, -np.abs(a), np.abs(a)) for n, a in w.items() if a.ndim == 1}
    w |= mixed  # or λ would be λ sign b
    x, y = draw_data(rng, BATCH, mlp, "mse")
    return evaluation_of(mlp.problem(w, x.astype(dtype), y.astype(dtype), "mse"))


def _diff(lambdas: Lambdas, dtype: str, wrong: str = "", at: tuple[str, ...] = ()) -> GradientDiff:
    reference = _reference(lambdas, dtype)
    p = reference.problem
    return compare(penalised_gradients(p.parameters, p.x, p.y, lambdas, wrong, at), reference)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("of", OF)
def test_the_right_hand_matches(of: str, dtype: str) -> None:
    diff = _diff(OF[of], dtype)
    assert (diff.verdict.name, diff.ok, diff.causes) == ("MATCH", True, ())


def _planted() -> Iterator[tuple[str, str, tuple[str, ...], str]]:
    kinds = {"kernel": ("dense_1/kernel", "dense_2/kernel"), "bias": ("dense_1/bias", "dense_2/bias")}
    for kind, names in kinds.items():
        for which in ("l1", "l2"):
            for wrong, name in NAMED[which].items():
                for at in ((names[0],), (names[1],), names):
                    yield f"{kind}, {which}", wrong, at, name
    for of in ("activity, l1", "activity, l2", "activity, both"):
        for wrong, name in (NAMED["activity"] | NAMED.get(of, {})).items():
            yield of, wrong, ("dense_1/z",), name


PLANTED = list(_planted())


def test_every_mistake_in_a_penalty_is_planted() -> None:
    assert {name for *_, name in PLANTED} == {
        *("l1_missing", "l1_factor", "l1_sign", "l1_without_sign", "l1_as_l2"),
        *("l2_missing", "l2_factor", "l2_sign", "l2_as_l1"),
        *("activity_missing", "activity_not_averaged", "activity_factor"),
    }


@pytest.mark.matrix(most=77)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("of", "wrong", "at", "name"), PLANTED)
def test_a_wrong_penalty_is_never_right_and_named_first(
    of: str, wrong: str, at: tuple[str, ...], name: str, dtype: str
) -> None:
    diff = _diff(OF[of], dtype, wrong, at)
    assert not diff.ok
    assert diff.verdict.name == "MISMATCH"
    assert [cause.id for cause in diff.causes][:1] == [name], diff.causes
    assert diff.causes[0].layer == ("" if len(at) > 1 else at[0].partition("/")[0])
