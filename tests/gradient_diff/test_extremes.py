"""Numbers at the edge of their dtype, on the hand's side and in the problem: judged, with no warning and no exception.

pytest makes every warning an error here, as `python -W error` does for a user: NumPy warns of each overflow in what the
judge and the diagnosis try.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from gradient_diff import Noise, Status, compare
from gradient_diff.diagnosis.factors import nearest_whole
from manual_mlp import MLP, Array, Dense, Evaluation

DTYPES = ("float64", "float32", "float16", "bfloat16")
OTHERS = [pytest.param(dtype, marks=pytest.mark.slow) for dtype in DTYPES if dtype != "float64"]
NETS = {"tanh": ("tanh", None, "mse"), "softmax": ("relu", "softmax", "categorical_crossentropy")}


def _evaluated(net: str, dtype: str, **scales: float) -> Evaluation:
    """A small network, with x, y or the weights scaled."""
    hidden, last, loss = NETS[net]
    mlp = MLP(3, [Dense(4, hidden), Dense(3, last) if last else Dense(3)])
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(5, 3)), np.eye(3)[[0, 1, 2, 0, 1]]
    weights = {n: _cast(scales.get("w", 1.0) * a, dtype) for n, a in mlp.initialize(0).items()}
    with np.errstate(all="ignore"):
        x, y = (_cast(scales.get(name, 1.0) * a, dtype) for name, a in (("x", x), ("y", y)))
        return mlp.backpropagate(weights, x, y, loss)


def _cast(array: Array, dtype: str) -> Array:
    with np.errstate(all="ignore"):
        return np.asarray(array).astype(_type(dtype))


def _type(dtype: str) -> np.dtype:
    return np.dtype(ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype)


def _times(factor: Callable[[float, float], float]) -> Callable[[Array], Array]:
    def change(array: Array) -> Array:
        return _cast(factor(*_ends(array)) * array.astype(np.float64), array.dtype.name)

    return change


def _with(*values: Callable[[float, float], float]) -> Callable[[Array], Array]:
    """These values in turn in every entry."""

    def change(array: Array) -> Array:
        return _cast(np.resize([value(*_ends(array)) for value in values], array.shape), array.dtype.name)

    return change


def _one(value: Callable[[float, float], float]) -> Callable[[Array], Array]:
    """In place of the largest entry, which no rounding explains."""

    def change(array: Array) -> Array:
        changed = array.copy()
        changed.flat[np.argmax(np.abs(array.astype(np.float64)))] = value(*_ends(array))
        return changed

    return change


def _ends(array: Array) -> tuple[float, float]:
    """The largest number of its dtype, and the smallest above 0."""
    about = ml_dtypes.finfo(array.dtype)
    return float(about.max), float(about.smallest_subnormal)


EXTREMES: dict[str, Callable[[Array], Array]] = {
    "the largest": _with(lambda big, _: big),
    "the smallest": _with(lambda _, small: small),
    "both in turn": _with(lambda big, _: big, lambda _, small: small, lambda big, _: -big),
    "times the largest": _times(lambda big, _: big / 4),
    "times its root": _times(lambda big, _: big**0.5),
    "times the smallest": _times(lambda _, small: 4 * small),
    "one of the largest": _one(lambda big, _: big),
    "one of the smallest": _one(lambda _, small: small),
    "one Inf": _one(lambda *_: np.inf),
    "one NaN": _one(lambda *_: np.nan),
    "Inf": _with(lambda *_: np.inf),
}


@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("dtype", ["float64", *OTHERS])
def test_an_absurd_hand_is_wrong_and_no_more(dtype: str, extreme: str) -> None:
    right = _evaluated("tanh", dtype)
    diff = compare({n: EXTREMES[extreme](g) for n, g in right.gradients.items()}, right)
    assert diff.verdict in (Status.NONFINITE, Status.MISMATCH)
    assert len(str(diff)) > 100


@pytest.mark.parametrize("given", ["1e300", "1e-320"])
@pytest.mark.parametrize("dtype", ["float64", *OTHERS])
def test_float64_holds_what_the_reference_cannot(dtype: str, given: str) -> None:
    right = _evaluated("softmax", dtype)
    hand = {n: np.full(g.shape, float(given)) for n, g in right.gradients.items()}
    assert compare(hand, right).verdict is Status.MISMATCH
    assert compare(hand, right.gradients, rtol=1e-3).verdict is Status.DIFFERENT


@pytest.mark.slow  # all kinds in every place and form: half a minute
@pytest.mark.parametrize("extreme", EXTREMES)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_wherever_it_stands(dtype: str, net: str, extreme: str) -> None:
    right, change = _evaluated(net, dtype), EXTREMES[extreme]
    wrong = {n: change(g) for n, g in right.gradients.items()}
    for name in wrong:
        assert not compare({**right.gradients, name: wrong[name]}, right).ok
    assert not compare(wrong, right.gradients, rtol=1e-3).ok
    again, third = (
        {n: _cast(factor * g.astype(np.float64), dtype) for n, g in right.gradients.items()} for factor in (0.9, 1 / 3)
    )
    assert not compare(wrong, right.gradients, noise=again).ok
    assert not compare(third, right.gradients, noise=wrong).ok
    assert compare(wrong, right)._repr_html_()
    nodes = {n: change(np.asarray(a)) if np.ndim(a) else a for n, a in right.nodes.items()}
    other = replace(right, nodes=nodes, origin="keras eager")
    assert not compare(other, right).ok
    assert not compare(right, other).ok


PROBLEMS = [(name, far) for name in "xyw" for far in ("far", "farthest", "near")]


@pytest.mark.parametrize(("scaled", "how"), PROBLEMS)
@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("dtype", ["float64", *OTHERS])
def test_an_absurd_problem_accuses_nobody_and_passes_nobody(dtype: str, net: str, scaled: str, how: str) -> None:
    big, small = _ends(np.ones(1, _type(dtype)))
    right = _evaluated(net, dtype, **{scaled: {"far": big**0.6, "farthest": big / 8, "near": 8 * small}[how]})
    gradients = right.gradients
    assert compare(dict(gradients), right).verdict in (Status.MATCH, Status.VACUOUS, Status.NONFINITE)
    for factor in (-1.0, 1 / 3):
        wrong = {n: _cast(factor * g.astype(np.float64), dtype) for n, g in gradients.items()}
        assert not compare(wrong, right).ok


def test_what_is_tried_warns_where_nothing_is_done_about_it() -> None:
    """The matrix can fail: this is what NumPy says of such numbers."""
    with pytest.raises(RuntimeWarning, match="overflow"):
        np.square(EXTREMES["the largest"](np.ones(2)))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert np.isinf(np.square(EXTREMES["the largest"](np.ones(2)))).all()


@pytest.mark.parametrize("quotient", [np.inf, -np.inf, np.nan])
def test_a_quotient_that_overflowed_is_no_count(quotient: float) -> None:
    assert nearest_whole(quotient) == 0
    assert nearest_whole(6.9) == 7


def test_unknown_rounding_explains_no_difference() -> None:
    """Of values that overflow σ is NaN; what is equal is equal all the same."""
    sigma, bound = np.array([np.nan, 1.0, np.nan]), np.array([0.0, np.nan, np.nan])
    noise = Noise("float64", {}, {"w": sigma}, {"w": bound}, 0)
    assert noise.distance("w", np.ones(3)).tolist() == [np.inf] * 3
    assert noise.distance("w", np.zeros(3)).tolist() == [0.0] * 3
