from __future__ import annotations

import numpy as np
import pytest

from gradient_diff import rounding_noise
from gradient_diff.diagnosis.reenactment.scene import Scene, levelled
from manual_mlp import MLP, Dense


def scene(factor: float) -> Scene:
    mlp, rng = MLP(3, [Dense(4, "tanh"), Dense(2)]), np.random.default_rng(0)
    e = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")
    hand = {f"dense_2/dE_d{kind}": factor * e.gradients[f"dense_2/{kind}"] for kind in ("kernel", "bias")}
    return Scene(e.problem, rounding_noise(e.problem, "float64"), hand)


def test_no_entry_of_a_tolerance_is_below_its_root_mean_square() -> None:
    assert levelled(np.array([3.0, 4.0]), (2,)).round(3).tolist() == [3.536, 4.0]
    assert levelled(np.array([3.0, 3.0]), (4, 2)).shape == (4, 2)


def test_the_hands_arrays_stand_in_the_order_of_the_computation() -> None:
    assert scene(1.0).nodes == [n for n in scene(1.0).by_node if n in ("dense_2/dE_dkernel", "dense_2/dE_dbias")]
    assert scene(1.0).names == ["dense_1", "dense_2"]
    assert (scene(1.0).batch, scene(1.0).outputs, scene(1.0).last) == (5, 2, "dense_2")


def test_an_array_is_good_within_rounding_alone() -> None:
    assert scene(1.0).good == {"dense_2/dE_dkernel": True, "dense_2/dE_dbias": True}
    assert scene(1.001).good == {"dense_2/dE_dkernel": False, "dense_2/dE_dbias": False}


def test_the_factor_of_all_is_fitted() -> None:
    assert abs((scene(3.0).factor or 0) - 3) < 1e-14


def test_another_shape_is_never_explained() -> None:
    s = scene(1.0)
    assert s.residual("dense_2/dE_dbias", np.zeros(3)) == np.inf
    assert not s.near("dense_2/dE_dbias", np.zeros(3))
    assert s.residual("dense_2/dE_dbias", s.right["dense_2/dE_dbias"]) <= 1


@pytest.mark.parametrize(
    ("dtype", "entries", "told"), [("float64", 1, True), ("float32", 1, False), ("float32", 2, True)]
)
def test_half_of_the_digits_of_one_number_may_be_chance(dtype: str, entries: int, told: bool) -> None:
    mlp = MLP(3, [Dense(entries, use_bias=False)])
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(5, n)).astype(dtype) for n in (3, entries))
    e = mlp.backpropagate(mlp.initialize(0, dtype=dtype), x, y, "mse")
    node = "dense_1/dE_dkernel"
    hand = e.gradients["dense_1/kernel"].copy()
    hand[0] += 1
    found = Scene(e.problem, rounding_noise(e.problem, dtype), {node: hand})
    assert found.off == [node]
    assert found.has_digits({node: hand}) is told
    assert not found.has_digits({node: hand * (1 + 1e-3)})
