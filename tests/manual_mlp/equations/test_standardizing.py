"""Fixed statistics: value, gradient, rounding, shapes; and what is no statistic."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import MLP, Dense, Equation, ShapeError
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.equations.standardizing import Standardize
from manual_mlp.layers import Normalization


def test_by_pencil() -> None:
    a = np.array([[3.0, 5.0], [1.0, -1.0]])
    assert Standardize((1.0, 2.0), (4.0, 9.0)).evaluate(a).tolist() == [[1, 1], [0, -1]]
    assert Standardize(None, (4.0, 16.0)).evaluate(a).tolist() == [[1.5, 1.25], [0.5, -0.25]]
    assert Standardize(1.0, 0.0).evaluate(a)[0, 0] == 2 / 1e-7


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("centred", [True, False])
def test_rounding_is_expected_and_a_mistake_is_not(centred: bool, seed: int) -> None:
    rng = np.random.default_rng(seed)
    mean, variance = (tuple(map(float, a)) for a in (rng.normal(size=4), rng.uniform(1e-3, 9, 4)))
    operation = Standardize(mean if centred else None, variance)
    a = rng.normal(size=(20, 4)).astype("float32")
    equation, found = Equation("", "node", operation, ("a",)), operation.evaluate(a)
    assert local_distance(equation, {"a": a}, found, "float32").max() < GATE / 2
    assert local_distance(equation, {"a": a}, found * np.float32(1 + 1e-4), "float32").max() > GATE


def test_as_many_numbers_as_units() -> None:
    with pytest.raises(ShapeError) as caught:
        MLP(3, [Normalization((0.0, 1.0), (1.0, 1.0), "n"), Dense(1)])
    assert str(caught.value) == "n: (3,): μ and v are of 2 units, and not of 3"


@pytest.mark.parametrize(
    ("told", "error", "message"),
    [
        ({"mean": "0", "variance": 1.0}, TypeError, "Normalization(mean=…) is '0': expected a number, or one per unit"),
        ({"mean": 0.0, "variance": [[1.0]]}, TypeError, "Normalization(variance=…) is [[1.0]]: expected a number"),
        ({"mean": float("nan"), "variance": 1.0}, ValueError, "Normalization(mean=…) is nan: expected finite numbers."),
        ({"mean": 0.0, "variance": -1.0}, ValueError, "Normalization(variance=-1.0): expected numbers of 0 and above."),
        ({"mean": 0.0, "variance": (1.0, 2.0)}, ValueError, "expected as many numbers of each."),
    ],
)
def test_what_is_no_statistic_is_told(told: dict[str, Any], error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        Normalization(**told)
    assert message in str(caught.value)
