"""Every activation against 500 digits: at 0, close to it, far out and at kinks, within its own rounding."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from manual_mlp import ACTIVATIONS, Array
from manual_mlp.dtypes import LOST, UNITS
from manual_mlp.equations.activations import activation
from manual_mlp.equations.functions.record import ActivationFunction
from manual_mlp.equations.local_rounding import GATE, Local, Precision
from manual_mlp.equations.operations import Activate, Pullback
from tests.manual_mlp.equations.functions import decimals

DTYPES = ["float64", "float32"]
EVERYWHERE = (0.0, 1e-30, -1e-30, 1e-3, -1e-3, 0.7, -0.7, 2.4, -2.4, 2.6, -2.6, 5.0, -5.0, 20.0, -20.0, 1e3, -1e3)
FAR = {"exponential": 80.0}  # beyond it float32 has no numbers
SMOOTH_AT_0 = sorted(set(decimals.VALUES) - {"hard_shrink"})


def _points(record: ActivationFunction, dtype: str) -> Array:
    points = [u for u in EVERYWHERE if u <= FAR.get(record.name, np.inf)]
    return np.array([[*points, *record.kinks]], dtype)


def _sigma(local: Local, exact: Array, dtype: str) -> Array:
    stored = UNITS[dtype] / np.sqrt(3) * np.abs(exact)
    return np.sqrt(local.variance + stored**2 + LOST[dtype] ** 2 * local.lost_variance)


def _value_distance(record: ActivationFunction, name: str, dtype: str) -> Array:
    """|f − exact| in units of σ, with f as the house computes it without a warning."""
    u = _points(record, dtype)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        z = record.value(u)
    exact = np.array([[float(decimals.value(name, float(v))) for v in u[0]]])
    local = Activate(record.name).rounding(exact, u.astype(float), at=Precision.of(dtype))
    return np.abs(z - exact) / _sigma(local, exact, dtype)


def _slope_distance(record: ActivationFunction, name: str, dtype: str) -> Array:
    """The same of f′, which at a kink is that of one side or the other."""
    u = _points(record, dtype)
    read = u if record.reads == "u" else record.value(u)
    assert record.backward is not None
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        found = record.backward(np.ones_like(u), read).astype(float)
    exact = np.array([_slopes(record, name, float(v), float(f)) for v, f in zip(u[0], found[0], strict=True)])[None]
    at = Precision.of(dtype)
    local = Pullback(record.name).rounding(exact, np.ones_like(exact), read.astype(float), at=at)
    sigma = _sigma(local, exact, dtype)
    if record.reads == "z":  # what z was stored with, times f″/f′, which is at most 2
        sigma = sigma + 2 * _sigma(
            Activate(record.name).rounding(read.astype(float), u.astype(float), at=at), read, dtype
        )
    return np.abs(found - exact) / sigma


def _slopes(record: ActivationFunction, name: str, u: float, found: float) -> float:
    sides = [float(decimals.slope(name, u, side)) for side in ((-1, 1) if u in record.kinks else (0,))]
    if u in record.kinks and abs(decimals.value(name, u + 1e-9) - decimals.value(name, u - 1e-9)) > 1e-6:
        sides.append(0.0)  # of a jump TensorFlow's tape says 0
    return min(sides, key=lambda side: abs(side - found))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", decimals.VALUES)
def test_a_value_is_right_wherever_it_is_asked_for(name: str, dtype: str) -> None:
    assert _value_distance(activation(name), name, dtype).max() <= GATE


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", decimals.VALUES)
def test_a_slope_is_right_wherever_it_is_asked_for(name: str, dtype: str) -> None:
    assert _slope_distance(activation(name), name, dtype).max() <= GATE


@pytest.mark.parametrize("name", decimals.VALUES)
def test_a_thousandth_is_seen(name: str) -> None:
    record = activation(name)
    value, backward = record.value, record.backward
    assert backward is not None
    wrong = dataclasses.replace(
        record, value=lambda u: 1.001 * value(u), backward=lambda g, read: 1.001 * backward(g, read)
    )
    assert _value_distance(wrong, name, "float64").max() > GATE
    assert _slope_distance(wrong, name, "float64").max() > GATE


def test_all_activations_of_one_number_are_asked() -> None:
    rows = {"softmax", "log_softmax", "step"}
    assert {activation(n).name for n in decimals.VALUES} >= set(ACTIVATIONS) - rows


@pytest.mark.parametrize("name", sorted(decimals.VALUES))
def test_numpys_spelling_is_the_slope(name: str) -> None:
    record = activation(name)
    u = np.array([[-3.5, -0.8, -0.1, 0.3, 0.9, 4.0, 7.0]])
    z = record.value(u)
    assert record.backward is not None
    right = record.backward(np.ones_like(u), u if record.reads == "u" else z)
    for read, text in record.numpy_slopes:
        spelled = eval(text.format(t=read), {"np": np, "u": u, "z": z})
        np.testing.assert_allclose(spelled, right, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("name", sorted(n for n in decimals.VALUES if activation(n).kinks))
def test_beside_a_kink_the_anchor_decides(name: str) -> None:
    """The value and the slope go on as on the anchor's side, wherever u is."""
    record = activation(name)
    assert record.on_branch is not None
    assert record.back_on_branch is not None
    for kink in record.kinks:
        for side in (-1, 1):
            anchor = np.array([[kink + side * 1e-3]])
            for off in (-1e-3, 1e-3):
                u, beyond = np.array([[kink + off]]), float(decimals.slope(name, kink, side))
                there = record.value(anchor) + beyond * (u - anchor)
                np.testing.assert_allclose(record.on_branch(u, anchor), there, atol=5e-6)
                np.testing.assert_allclose(record.back_on_branch(np.ones((1, 1)), u, anchor), beyond, atol=2e-3)
