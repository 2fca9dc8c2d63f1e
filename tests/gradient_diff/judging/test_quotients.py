"""A difference quotient handed over as a derivation is recognised: its numbers are multiples of spacing(E)/2ε."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import Noise, Status, compare
from gradient_diff.judging.case import Case
from gradient_diff.judging.quotients import as_quotients
from gradient_diff.result.judged import Judged
from gradient_diff.sides import Pair
from manual_mlp import MLP, Array, Dense

NET = MLP(4, [Dense(5, "sigmoid"), Dense(3, "softmax")])
W = NET.initialize(3)
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(3, 4)), np.eye(3)[[0, 2, 1]]
RIGHT = NET.backpropagate(W, X, Y, "categorical_crossentropy")
E = Callable[[dict[str, Array]], np.floating]


def _e(dtype: type, inside: float) -> E:
    """In plain NumPy, with something added inside the logarithm, as books have it."""
    x = X.astype(dtype)

    def value(w: dict[str, Array]) -> np.floating:
        z = 1 / (1 + np.exp(-(x @ w["dense_1/kernel"] + w["dense_1/bias"])))
        u = z @ w["dense_2/kernel"] + w["dense_2/bias"]
        p = np.exp(u - u.max(1, keepdims=True))
        p /= p.sum(1, keepdims=True)
        return -np.sum(np.log(p + dtype(inside)) * Y.astype(dtype)) / dtype(3)

    return value


def _quotient(e: E, step: float, one_sided: bool, dtype: type, stored: type | None = None) -> dict[str, Array]:
    w, found = {n: a.astype(dtype) for n, a in W.items()}, {}
    for name, array in w.items():
        g = np.zeros(array.shape, stored or dtype)
        for i in np.ndindex(array.shape):
            kept = array[i]
            array[i] = kept + step
            up = e(w)
            array[i] = kept - (0 if one_sided else step)
            down = e(w)
            array[i] = kept
            g[i] = (up - down) / (step if one_sided else 2 * step)
        found[name] = g
    return found


def _with_targets_in_float64(w: dict[str, Array], x: Array = X, y: Array = Y) -> np.floating:
    """Its terms are float32; what is multiplied by np.eye is not, nor its sum and its mean."""
    z = 1 / (1 + np.exp(-(x.astype("f4") @ w["dense_1/kernel"] + w["dense_1/bias"])))
    u = z @ w["dense_2/kernel"] + w["dense_2/bias"]
    p = np.exp(u - u.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    return -np.sum(np.log(p + 1e-7) * y) / len(x)


CASES = [
    (1e-4, False, np.float64, "ε = 0.0001, central, with E in float64"),
    (1e-5, False, np.float64, "ε = 1e-05, central, with E in float64"),
    (1e-7, True, np.float64, "ε = 1e-07, one-sided, with E in float64"),
    (2.0**-20, False, np.float64, "ε = 1.91e-06, one-sided, with E in float64"),
    (1e-2, False, np.float32, "ε = 0.01, central, with E in float32"),
    (1e-3, True, np.float32, "ε = 0.001, one-sided, with E in float32"),
]


@pytest.mark.parametrize(("step", "one_sided", "dtype", "words"), CASES)
@pytest.mark.parametrize("inside", [0.0, 1e-7])
def test_a_quotient_is_no_wrong_derivation(
    step: float, one_sided: bool, dtype: type, words: str, inside: float
) -> None:
    diff = compare(_quotient(_e(dtype, inside), step, one_sided, dtype), RIGHT)
    assert diff.verdict is Status.INCONCLUSIVE
    assert diff.headline().startswith("INCONCLUSIVE: the hand is a difference quotient, and no derivation")
    assert any(f"difference quotient of step {words}" in row.reason for row in diff.rows)
    assert diff.causes == ()


@pytest.mark.parametrize("stored", [np.float32, np.float64])
@pytest.mark.parametrize(("step", "one_sided"), [(1e-2, False), (5e-3, False), (1e-3, False), (1e-3, True)])
@pytest.mark.parametrize("batch", [3, 8, 10])
def test_a_quotient_whose_terms_alone_are_float32_is_one(
    batch: int, step: float, one_sided: bool, stored: type
) -> None:
    rng = np.random.default_rng(batch)
    x, y = rng.normal(size=(batch, 4)), np.eye(3)[rng.integers(0, 3, batch)]
    found = _quotient(lambda w: _with_targets_in_float64(w, x, y), step, one_sided, np.float32, stored)
    diff = compare(found, NET.backpropagate(W, x, y, "categorical_crossentropy"))
    assert diff.verdict is Status.INCONCLUSIVE
    if batch == 10:  # ε of E/10 is 10 ε of E
        return
    reasons = " ".join(row.reason for row in diff.rows)
    named = re.search(r"step ε = (\S+), or that by a power of two, with the terms of E in float32", reasons)
    assert named is not None
    assert np.log2(float(named[1]) / step) % 1 == pytest.approx(0, abs=1e-6)


def test_the_quotient_of_another_e_is_a_mistake_all_the_same() -> None:
    twice = _quotient(lambda w: 2 * _e(np.float64, 0.0)(w), 1e-4, False, np.float64)
    assert compare(twice, RIGHT).verdict is Status.MISMATCH


@pytest.mark.matrix(most=16)
@pytest.mark.parametrize("seed", range(50))
def test_what_is_off_at_random_is_no_quotient(seed: int) -> None:
    rng = np.random.default_rng(seed)
    dtype = ("float32", "float64")[seed % 2]
    off = {
        n: (g * (1 + 10.0 ** rng.integers(-6, 0) * rng.normal(size=g.shape))).astype(dtype)
        for n, g in RIGHT.gradients.items()
    }
    if seed % 5 == 0:
        off = {n: a.astype(np.float32).astype(dtype) for n, a in off.items()}  # float32 on the way
    if seed % 3 == 0:
        off = {n: np.round(a, 4) for n, a in off.items()}  # printed, and typed in again
    assert compare(off, RIGHT).verdict in (Status.MISMATCH, Status.MATCH)


def _one_off(g: dict[str, Array], name: str, changed: Array) -> dict[str, Array]:
    return {**g, name: changed.astype(g[name].dtype)}


KERNEL, BIAS = "dense_1/kernel", "dense_2/bias"
SIGNS = np.where(np.arange(16).reshape(4, 4) == 5, -1, 1)
WRONG: dict[str, Callable[[dict[str, Array]], dict[str, Array]]] = {
    "1.01": lambda g: {n: (a * 1.01).astype(a.dtype) for n, a in g.items()},
    "1.001": lambda g: {n: (a * 1.001).astype(a.dtype) for n, a in g.items()},
    "a sign in one entry": lambda g: _one_off(g, KERNEL, g[KERNEL] * SIGNS),
    "a kernel transposed": lambda g: _one_off(g, KERNEL, g[KERNEL].T),
    "a wrong bias": lambda g: _one_off(g, BIAS, 1.1 * g[BIAS]),
    "a constant added": lambda g: _one_off(g, BIAS, 1e-3 + g[BIAS]),
    "at random": lambda g: {
        n: (0.1 * np.random.default_rng(0).normal(size=a.shape)).astype(a.dtype) for n, a in g.items()
    },
    "nearly": lambda g: {
        n: (a * (1 + 1e-3 * np.random.default_rng(0).normal(size=a.shape))).astype(a.dtype) for n, a in g.items()
    },
    "typed in": lambda g: {n: np.round(1.01 * a, 3).astype(a.dtype) for n, a in g.items()},
}


@pytest.mark.matrix(most=24)
@pytest.mark.parametrize("computed", ["float64", "float32"])
@pytest.mark.parametrize("batch", [1, 3, 10, 100])
@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_derivation_is_no_quotient(name: str, batch: int, computed: str) -> None:
    """Nor where whole numbers of samples are summed, and divided by N."""
    rng = np.random.default_rng(batch)
    net = MLP(4, [Dense(4, "sigmoid"), Dense(10, "softmax")])
    w, y = net.initialize(batch), np.eye(10)[rng.integers(0, 10, batch)]
    for x in (rng.normal(size=(batch, 4)), rng.integers(0, 3, (batch, 4)).astype(float)):
        right = net.backpropagate(w, x, y, "categorical_crossentropy")
        x_own, y_own, w_own = x.astype(computed), y.astype(computed), {n: a.astype(computed) for n, a in w.items()}
        own = net.backpropagate(w_own, x_own, y_own, "categorical_crossentropy")
        assert compare(WRONG[name](dict(own.gradients)), right).verdict is Status.MISMATCH


@pytest.mark.parametrize("n", [5, 25])
@pytest.mark.parametrize("e", np.linspace(0.3, 3.0, 28))
def test_numbers_of_two_digits_are_no_quotients(n: int, e: float) -> None:
    """If one hundredth is nearly whole, all of them are: that is one chance, and not sixty."""
    hand = np.round(np.random.default_rng(n).normal(size=60), 1) / 10
    off = {"w": Judged(Status.MISMATCH, "far", "σ")}
    noise = Noise("float32", {"loss": np.array(e)}, {}, {}, 0)
    case = Case(Pair({"w": hand}, {"w": hand + 1e-3}), noise, sizes=(n, 10))
    assert as_quotients(case, off) == {}


def test_float16_is_too_coarse_to_tell() -> None:
    hand = np.random.default_rng(0).normal(size=60).astype("f2")
    off = {"w": Judged(Status.MISMATCH, "far", "σ")}
    case = Case(Pair({"w": hand}, {"w": 1.01 * hand}), Noise("float32", {"loss": np.array(1.6)}, {}, {}, 0))
    assert as_quotients(case, off) == {}


@pytest.mark.parametrize("n", [3, 10, 100, 1000])
def test_counts_over_n_are_no_quotients(n: int) -> None:
    """A sum of signs divided by N, or a sum of float32 numbers near 1 in which nothing more is lost."""
    counts = np.arange(1, 60)
    for hand in (counts / n, (counts * 2.0**-24) / n):
        off = {"w": Judged(Status.MISMATCH, "far", "σ")}
        noise = Noise("float32", {"loss": np.array(1.6)}, {}, {}, 0)
        case = Case(Pair({"w": hand}, {"w": 1.001 * hand}), noise, sizes=(n, 10))
        assert as_quotients(case, off) == {}


def _judged(hand: Array, reference: Array, e: float) -> Judged:
    """What is said of an array that is off, where E has this value."""
    off = {"w": Judged(Status.MISMATCH, "far", "σ")}
    case = Case(Pair({"w": hand}, {"w": reference}), Noise("float64", {"loss": np.array(e)}, {}, {}, 0))
    return {**off, **as_quotients(case, off)}["w"]


STEPS = [*(float(f"{m}e-{k}") for m in (1, 2, 5) for k in range(1, 11)), *(2.0**-k for k in range(3, 31))]


@pytest.mark.parametrize("step", [*STEPS, float(np.sqrt(np.finfo("f4").eps))])
def test_every_usual_step_is_recognised(step: float) -> None:
    """E = 1: gradients of some 1e8 times spacing(E)/2ε."""
    reference = RNG.uniform(1e8, 9e8, 40) * np.spacing(1.0) / (2 * step)
    hand = (2 * np.round(reference * step / np.spacing(1.0)) + 1) * np.spacing(1.0) / (2 * step)
    judged = _judged(hand, reference, 1.0)
    assert judged.status is Status.INCONCLUSIVE
    found = re.search(r"ε = (\S+), (central|one-sided), with E in float64", judged.reason)
    assert found is not None
    assert float(found[1]) * (2 if found[2] == "central" else 1) == pytest.approx(2 * step, rel=1e-2)


def test_a_quotient_of_so_many_spacings_that_the_division_loses_digits_is_recognised() -> None:
    """1e14 times: the division by 2ε leaves them 0.04 from whole numbers."""
    whole = np.arange(1, 81) * 2.0**40 + 1.1e14 + 1
    hand = np.round(whole) * np.spacing(1.0) / 2e-5
    assert _judged(hand, hand * 1.001, 1.0).status is Status.INCONCLUSIVE


def test_an_e_that_is_nearly_zero_makes_no_quotients() -> None:
    """Of spacings of 5e-324 there is no whole number that a float could count."""
    hand = np.array([1.0, 2.0, 3.0])
    assert _judged(hand * 1.001, hand, 5e-324).status is Status.MISMATCH


def test_where_nothing_moved_the_quotient_is_zero_and_counts_neither_way() -> None:
    """A dead unit."""
    hand = (2 * RNG.integers(10**8, 10**9, 40) + 1) * np.spacing(1.0) / 2e-5
    hand[::3] = 0
    assert _judged(hand, 1.001 * hand, 1.0).status is Status.INCONCLUSIVE
    assert _judged(0 * hand, hand, 1.0).status is Status.MISMATCH
