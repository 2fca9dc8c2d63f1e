from __future__ import annotations

import numpy as np
import pytest

from manual_mlp import SGD, Adam, RMSprop, ShapeError
from manual_mlp.training.update_rule import through_float32

W = {"a/kernel": np.ones((2, 3)), "a/bias": np.full(3, 2.0)}
G = {"a/kernel": np.full((2, 3), 0.5), "a/bias": np.zeros(3)}


def test_the_state_starts_at_zero_in_the_dtype_of_the_weights() -> None:
    state = Adam().initial_state({"a/bias": np.ones(2, np.float32)})
    assert list(state) == ["a/bias/momentum", "a/bias/velocity"]
    assert {(s.dtype.name, s.sum()) for s in state.values()} == {("float32", 0.0)}


def test_a_step_changes_nothing_that_came_in() -> None:
    rule = RMSprop(momentum=0.5, centered=True)
    state = rule.initial_state(W)
    for array in (*W.values(), *G.values(), *state.values()):
        array.flags.writeable = False
    w, kept = rule.updated(W, G, state, 1)
    assert (w["a/kernel"] != W["a/kernel"]).all()
    assert not any(np.shares_memory(kept[name], state[name]) for name in state)


def test_each_parameter_has_a_state_of_its_own() -> None:
    rule = SGD(0.5, momentum=0.5)
    _, state = rule.updated(W, G, rule.initial_state(W), 1)
    assert (state["a/kernel/momentum"] == -0.25).all()
    assert (state["a/bias/momentum"] == 0).all()


def test_names_and_shapes_must_fit() -> None:
    rule = SGD(momentum=0.9)
    state = rule.initial_state(W)
    with pytest.raises(ValueError, match=r"^gradients: a/bias on one side only\. Expected a/kernel, a/bias\.$"):
        rule.updated(W, {"a/kernel": G["a/kernel"]}, state, 1)
    with pytest.raises(ValueError, match=r"^state: a/bias/momentum, a/kernel/momentum on one side only\."):
        rule.updated(W, G, {}, 1)
    with pytest.raises(ValueError, match=r"^state: a/bias/momentum on one side only\. Expected nothing\.$"):
        SGD().updated(W, G, {"a/bias/momentum": np.zeros(3)}, 1)
    with pytest.raises(ShapeError, match=r"^gradients: a/kernel has shape \(3, 2\), expected \(2, 3\)\.$"):
        rule.updated(W, {**G, "a/kernel": np.ones((3, 2))}, state, 1)
    with pytest.raises(ShapeError, match=r"^state: a/bias/momentum has shape \(1,\), expected \(3,\)\.$"):
        rule.updated(W, G, {**state, "a/bias/momentum": np.ones(1)}, 1)


def test_steps_are_counted_from_one() -> None:
    """At 0 Adam would divide by 0."""
    with pytest.raises(ValueError, match=r"^step=0: steps are counted from 1\.$"):
        Adam().updated(W, G, Adam().initial_state(W), 0)


def test_what_keras_holds_in_float32_is_rounded_to_it() -> None:
    assert float(through_float32(0.9, np.dtype("float64"))) == 0.8999999761581421
