"""Every loss and its gradient in float32, against the rounding of that one operation."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import LOSSES, Equation, Loss, sigmoid, softmax
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.equations.loss_operations import LossGradient, LossValue
from manual_mlp.equations.loss_rounding import GRADIENT, TERMS

FORMS = [(name, logits) for name, f in LOSSES.items() for logits in ((False, True) if f.logits_value else (False,))]


def test_every_form_of_every_loss_has_its_rounding() -> None:
    assert set(GRADIENT) == set(TERMS) == set(FORMS)


def _data(name: str, logits: bool, scale: float, batch: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    u = scale * rng.normal(size=(batch, 5))
    labels = rng.integers(0, 5, batch)
    function = {"binary_crossentropy": sigmoid}.get(name, softmax if LOSSES[name].logits_value else np.copy)
    y = labels if LOSSES[name].class_indices else (0.9 * np.eye(5)[labels] + 0.02).astype(np.float32)
    return {"p": (u if logits else function(u)).astype(np.float32), "y": y}


@pytest.mark.parametrize("scale", [0.1, 1, 6])
@pytest.mark.parametrize(("name", "logits"), FORMS)
def test_gradients_stay_within_their_rounding_and_a_thousandth_does_not(name: str, logits: bool, scale: float) -> None:
    data = _data(name, logits, scale, 60)
    for factor in (1.0, 1e-5, 1e5):
        equation = Equation("a", "a/dE_dz", LossGradient(Loss(name, scale=factor), logits), ("p", "y"))
        gradient = equation.evaluate(data)
        assert gradient.dtype == np.float32
        assert local_distance(equation, data, gradient, "float32").max() < GATE / 2
        seen = local_distance(equation, data, gradient * np.float32(1.001), "float32") > GATE
        clear = np.abs(gradient) > 0.1 * np.abs(gradient).max()
        assert seen[clear].all()


@pytest.mark.parametrize("batch", [1, 50, 3000])
@pytest.mark.parametrize(("name", "logits"), FORMS)
def test_values_stay_within_their_rounding_and_a_hundredth_does_not(name: str, logits: bool, batch: int) -> None:
    data = _data(name, logits, 1, batch)
    equation = Equation("a", "loss", LossValue(Loss(name), logits), ("p", "y"))
    value = np.asarray(equation.evaluate(data), np.float32)
    assert local_distance(equation, data, value, "float32").max() < GATE / 2
    assert local_distance(equation, data, value * np.float32(1.01), "float32").max() > GATE


def test_a_clipped_probability_passes_no_gradient_and_no_rounding() -> None:
    data = {"p": np.array([[0.0, 1.0, 0.5]]), "y": np.array([[0.0, 1.0, 1.0]])}
    operation = LossGradient(Loss("binary_crossentropy"), False)
    rounding = operation.rounding(operation.evaluate(data["p"], data["y"]), data["p"], data["y"], u=1.0)
    assert rounding.variance[0, :2].tolist() == [0, 0]
    assert rounding.variance[0, 2] > 0
