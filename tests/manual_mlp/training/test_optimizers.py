"""The three rules by pencil; tests/keras_mlp/test_optimizers.py holds them to Keras's."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import pytest

from manual_mlp import SGD, Adam, Optimizer, RMSprop


def walked(rule: Optimizer, gradients: list[float], start: float = 1.0) -> tuple[list[float], dict[str, float]]:
    """W after each step, and the last state."""
    w = {"w": np.array([start])}
    state, seen = rule.initial_state(w), []
    for step, g in enumerate(gradients, start=1):
        w, state = rule.updated(w, {"w": np.array([g])}, state, step)
        seen.append(w["w"].item())
    return seen, {name.removeprefix("w/"): array.item() for name, array in state.items()}


# every number is a short binary fraction, so that nothing is rounded


def test_descent_by_pencil() -> None:
    assert walked(SGD(0.5), [1.0, -2.0]) == ([0.5, 1.5], {})


def test_momentum_by_pencil() -> None:
    # v = −½·1 = −½;  v = ½·(−½) − ½·2 = −1¼
    assert walked(SGD(0.5, momentum=0.5), [1.0, 2.0]) == ([0.5, -0.75], {"momentum": -1.25})


def test_nesterov_by_pencil() -> None:
    # v = −½, W = 1 + ½(−½) − ½ = ¼;  v = −1¼, W = ¼ + ½(−1¼) − 1 = −1⅜
    assert walked(SGD(0.5, momentum=0.5, nesterov=True), [1.0, 2.0]) == ([0.25, -1.375], {"momentum": -1.25})


def test_rmsprop_by_pencil() -> None:
    # v = ¼·16 = 4, √(4 + 5) = 3, W = 1 − ½·4/3
    assert walked(RMSprop(0.5, rho=0.75, epsilon=5.0), [4.0]) == ([1 - 2 / 3], {"velocity": 4.0})


def test_rmsprop_with_momentum_by_pencil() -> None:
    # p = 2/4;  v = ¾·4 = 3, g = 0: p = ½·½
    found = walked(RMSprop(0.5, rho=0.75, momentum=0.5, epsilon=12.0), [4.0, 0.0])
    assert found == ([0.5, 0.25], {"velocity": 3.0, "momentum": 0.25})


def test_centered_rmsprop_by_pencil() -> None:
    # v = ¼·4 = 1, ā = ½, √(1 − ¼ + ¼) = 1, W = 1 − ½·2
    found = walked(RMSprop(0.5, rho=0.75, epsilon=0.25, centered=True), [2.0])
    assert found == ([0.0], {"velocity": 1.0, "average_gradient": 0.5})


def test_adam_by_pencil() -> None:
    # m = ½·4 = 2, v = 16/16 = 1, α = ½·√(1/16)/½ = ¼, W = 1 − ¼·2/(1 + 1)
    rule = Adam(0.5, beta_1=0.5, beta_2=0.9375, epsilon=1.0)
    assert walked(rule, [4.0]) == ([0.75], {"momentum": 2.0, "velocity": 1.0})


def test_adam_starts_with_the_learning_rate_whatever_the_gradient() -> None:
    """That is what the correction of the start is for."""
    rule = Adam(0.25, beta_1=0.5, beta_2=0.9375, epsilon=1e-30)
    assert [walked(rule, [g])[0][0] for g in (2.0**-30, 1.0, -(2.0**30))] == [0.75, 0.75, 1.25]


def test_the_numbers_that_keras_holds_in_float32() -> None:
    assert walked(SGD(0.1), [1.0], 0.0)[0] == [-float(np.float32(0.1))]
    assert walked(SGD(1.0, momentum=0.1), [1.0, 0.0], 0.0)[0][1] == -1 - float(np.float32(0.1))
    assert walked(RMSprop(1.0, rho=0.1, epsilon=1.0), [0.0, 1.0], 0.0)[1] == {"velocity": 1 - 0.1}  # not ρ


@pytest.mark.parametrize(
    ("rule", "formula", "slots"),
    [
        (SGD(), "W ← W − lr g", ()),
        (SGD(nesterov=True), "W ← W − lr g", ()),
        (SGD(momentum=0.9), "v ← μ v − lr g, W ← W + v", ("momentum",)),
        (SGD(momentum=0.9, nesterov=True), "v ← μ v − lr g, W ← W + μ v − lr g", ("momentum",)),
        (RMSprop(), "v ← ρ v + (1 − ρ) g², W ← W − lr g / √(v + ε)", ("velocity",)),
        (
            RMSprop(momentum=0.9, centered=True),
            "v ← ρ v + (1 − ρ) g², ā ← ρ ā + (1 − ρ) g, p ← μ p + lr g / √(v − ā² + ε), W ← W − p",
            ("velocity", "momentum", "average_gradient"),
        ),
        (
            Adam(),
            "m ← m + (1 − β₁)(g − m), v ← v + (1 − β₂)(g² − v), α = lr √(1 − β₂ᵗ) / (1 − β₁ᵗ), W ← W − α m / (√v + ε)",
            ("momentum", "velocity"),
        ),
    ],
)
def test_formula_and_state(rule: Optimizer, formula: str, slots: tuple[str, ...]) -> None:
    assert ", ".join(rule.formula) == formula
    assert rule.slots == slots


RULES = [SGD(0.1, momentum=0.9, nesterov=True), RMSprop(0.1, momentum=0.5, centered=True), Adam(0.1)]


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_a_step_in_place_needs_no_memory(rule: Optimizer) -> None:
    n = 100_000
    w, *rest = np.ones((2 + len(rule.slots) + 2, n))
    step = rule.rule(1, w.dtype)
    tracemalloc.start()
    step(w, *rest)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < n  # bytes: an eighth of one array of the n entries


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: SGD(0.0), ValueError, "SGD(learning_rate=0.0): expected a finite number above 0."),
        (lambda: Adam(float("nan")), ValueError, "Adam(learning_rate=nan): expected a finite number above 0."),
        (lambda: SGD(momentum=1.0), ValueError, "SGD(momentum=1.0): expected 0 or more and below 1."),
        (lambda: RMSprop(rho=-0.1), ValueError, "RMSprop(rho=-0.1): expected 0 or more and below 1."),
        (lambda: RMSprop(momentum=2), ValueError, "RMSprop(momentum=2): expected 0 or more and below 1."),
        (lambda: RMSprop(epsilon=0), ValueError, "RMSprop(epsilon=0): expected a finite number above 0."),
        (lambda: Adam(beta_1=1.0), ValueError, "Adam(beta_1=1.0): expected 0 or more and below 1."),
        (lambda: Adam(beta_2=1.5), ValueError, "Adam(beta_2=1.5): expected 0 or more and below 1."),
        (lambda: Adam("0.1"), TypeError, "Adam(learning_rate=…) is str: expected a number."),  # type: ignore[arg-type]
        (lambda: SGD(momentum=True), TypeError, "SGD(momentum=…) is bool: expected a number."),
        (lambda: SGD(nesterov="no"), TypeError, "SGD(nesterov=…) is str: expected True or False."),  # type: ignore[arg-type]
        (lambda: RMSprop(centered=1), TypeError, "RMSprop(centered=…) is int: expected True or False."),  # type: ignore[arg-type]
    ],
)
def test_a_bad_setting_says_what_was_expected(make: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match="expected") as raised:
        make()
    assert str(raised.value) == message


def test_numbers_of_numpy_are_numbers() -> None:
    assert walked(SGD(np.int64(1)), [1.0]) == ([0.0], {})
    assert SGD(np.float32(0.5), nesterov=np.bool_(True)).nesterov  # type: ignore[arg-type]  # NumPy's are no subclasses
