"""Every activation and its pullback in float32, against the rounding of that one operation."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import ACTIVATIONS, Equation
from manual_mlp.equations.activation_rounding import PULLBACK, VALUE
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.equations.operations import Activate, Pullback

RNG = np.random.default_rng(0)


def test_every_activation_has_its_rounding_and_no_other_has() -> None:
    assert VALUE.keys() == ACTIVATIONS.keys()
    assert PULLBACK.keys() == {name for name, record in ACTIVATIONS.items() if record.backward is not None}


def _u(scale: float) -> np.ndarray:
    return (scale * RNG.normal(size=(200, 6))).astype(np.float32)


@pytest.mark.parametrize("scale", [1e-3, 1, 30])
@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_values_stay_within_their_rounding_and_a_thousandth_does_not(name: str, scale: float) -> None:
    u, equation = _u(scale), Equation("a", "a/z", Activate(name), ("a/u",))
    z = equation.evaluate({"a/u": u})
    assert z.dtype == np.float32
    assert local_distance(equation, {"a/u": u}, z, "float32").max() < GATE / 2
    large = np.abs(z) > 1e-30
    assert (local_distance(equation, {"a/u": u}, z * np.float32(1.001), "float32")[large] > GATE).all()


@pytest.mark.parametrize("scale", [1e-3, 1, 5])
@pytest.mark.parametrize("name", sorted(PULLBACK))
def test_pullbacks_stay_within_their_rounding_and_a_thousandth_does_not(name: str, scale: float) -> None:
    u, g, record = _u(scale), _u(1), ACTIVATIONS[name]
    read = u if record.reads == "u" else record.value(u)
    equation = Equation("a", "a/dE_du", Pullback(name), ("a/dE_dz", "read"))
    environment = {"a/dE_dz": g, "read": read}
    delta = equation.evaluate(environment)
    assert local_distance(equation, environment, delta, "float32").max() < GATE / 2
    seen = local_distance(equation, environment, delta * np.float32(1.001), "float32") > GATE
    # Where tanh saturates, 1 − z² is off by u however small it is; and δ of a softmax is a difference.
    clear = np.abs(delta) > 3e-2 * np.abs(g) if name in ("tanh", "softmax") else np.abs(delta) > 1e-30
    assert clear.any()
    assert seen[clear].all()


@pytest.mark.parametrize("name", ["linear", "relu", "step"])
def test_what_only_selects_does_not_round(name: str) -> None:
    assert VALUE[name](_u(1), _u(1), 2.0**-24) == ()
