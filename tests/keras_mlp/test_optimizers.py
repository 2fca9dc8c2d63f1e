"""The house's update rules, held to the real Keras optimizers step by step.

Both sides start each step from the same weights and state, Keras's, so that differences cannot add up. Each side rounds
each of its operations by at most u; `allowed` counts them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_mlp import to_keras_optimizer
from manual_mlp import SGD, Adam, Array, Optimizer, RMSprop

STEPS = 60
UNIT = {"float32": 2.0**-24, "float64": 2.0**-53}
SMALLEST = {dtype: float(np.finfo(dtype).tiny) for dtype in UNIT}  # TensorFlow takes what is below for 0
HUGE = {"float32": 1e18, "float64": 1e150}  # their squares are still numbers

RULES = [
    SGD(0.1),
    SGD(0.01, momentum=0.9),
    SGD(0.01, momentum=0.9, nesterov=True),
    SGD(0.3, nesterov=True),
    RMSprop(),
    RMSprop(0.01, rho=0.7, momentum=0.5, epsilon=1e-3),
    RMSprop(centered=True),
    RMSprop(0.01, momentum=0.9, centered=True),
    Adam(),
    Adam(0.01, beta_1=0.5, beta_2=0.9, epsilon=1e-3),
    Adam(1e-2, beta_1=0.0),
]


def gradients(dtype: str, seed: int = 0) -> list[Array]:
    """Of many sizes; in some entries always 0, tiny or huge, in others 0 every other step."""
    rng = np.random.default_rng(seed)
    found = []
    for step in range(STEPS):
        g = rng.normal(size=(40, 5)) * 10.0 ** rng.integers(-4, 3, size=(40, 1))
        g[:2], g[2:4], g[4:6], g[6:8] = 0, 1e-30, 1e-30 * g[4:6], HUGE[dtype] * rng.normal(size=(2, 5))
        g[8] *= step % 2
        found.append(g.astype(dtype))
    return found


@dataclass
class KerasSide:
    """One variable and the real optimizer's state of it."""

    optimizer: keras.optimizers.Optimizer
    variable: keras.Variable
    slots: tuple[str, ...]

    @classmethod
    def of(cls, described: Optimizer, start: Array) -> KerasSide:
        variable = keras.Variable(start, dtype=start.dtype.name, name="w")
        optimizer = to_keras_optimizer(described)
        optimizer.build([variable])
        return cls(optimizer, variable, described.slots)

    def apply(self, gradient: Array) -> None:
        self.optimizer.apply([tf.constant(gradient)], [self.variable])

    def state(self) -> dict[str, Array]:
        """The variables that Keras has beside the step and the learning rate, by the end of their names."""
        held = {v.name: np.array(v.numpy()) for v in self.optimizer.variables[2:]}
        return {f"w/{slot}": next(a for name, a in held.items() if name.endswith(slot)) for slot in self.slots}


def allowed(
    rule: Optimizer, w: Array, g: Array, after: Mapping[str, Array], before: Mapping[str, Array], t: int
) -> Any:
    """slot or W → by how much two correctly rounded computations of one step may differ."""
    u = 2 * UNIT[w.dtype.name]  # of both sides
    old, new, s, g = (
        {n.removeprefix("w/"): np.abs(a).astype(np.float64) for n, a in before.items()},
        {n.removeprefix("w/"): np.abs(a).astype(np.float64) for n, a in after.items()},
        np.abs(w).astype(np.float64),
        np.abs(g).astype(np.float64),
    )
    if isinstance(rule, SGD):
        terms = rule.momentum * old.get("momentum", 0.0) + rule.learning_rate * g
        return {"momentum": 2 * u * terms, "W": u * s + 6 * u * terms}  # Nesterov's adds them twice
    if isinstance(rule, RMSprop):
        v, mean = new["velocity"], new.get("average_gradient", np.zeros_like(g))
        terms = rule.rho * old.get("average_gradient", 0.0) + (1 - rule.rho) * g if rule.centered else 0 * g
        root = v - mean**2 + rule.epsilon
        lost = 4 * u * v + 2 * mean * 3 * u * terms + 3 * u * (mean**2 + root)  # of what is under the root
        increment = rule.learning_rate * g / np.sqrt(root) * (lost / root / 2 + 4 * u)
        momentum = increment + 2 * u * new.get("momentum", 0.0) + 2 * u * rule.momentum * old.get("momentum", 0.0)
        own = {"velocity": 4 * u * v, "average_gradient": 3 * u * terms, "momentum": momentum}
        return {**own, "W": momentum + u * (s + rule.learning_rate * g / np.sqrt(root))}
    assert isinstance(rule, Adam)
    p1, p2 = rule.beta_1**t, rule.beta_2**t
    alpha = rule.learning_rate * np.sqrt(1 - p2) / (1 - p1)
    off = 8 * u + 2 * u * (p2 / (1 - p2) / 2 + p1 / (1 - p1))  # a power is good to 2u, and 1 − βᵗ cancels
    m, v = 4 * u * (old["momentum"] + g), 5 * u * (old["velocity"] + g**2) * (1 - rule.beta_2) + u * new["velocity"]
    root = np.sqrt(new["velocity"])
    below = np.divide(v, 2 * root, out=np.zeros_like(v), where=root > 0) + 2 * u * (root + rule.epsilon)
    step = alpha * new["momentum"] / (root + rule.epsilon)
    return {
        "momentum": m,
        "velocity": v,
        "W": u * s + step * (off + below / (root + rule.epsilon)) + alpha * m / (root + rule.epsilon),
    }


def worst(described: Optimizer, dtype: str, ours: Optimizer | None = None) -> float:
    """The largest difference of any step, in units of what is allowed."""
    ours = described if ours is None else ours
    start = np.random.default_rng(1).normal(size=(40, 5)).astype(dtype)
    side, found = KerasSide.of(described, start), 0.0
    for t, g in enumerate(gradients(dtype), start=1):
        w, state = np.array(side.variable.numpy()), side.state()
        side.apply(g)
        stepped, kept = ours.updated({"w": w}, {"w": g}, state, t)
        bounds = allowed(described, w, g, side.state(), state, t)
        pairs = {"W": (stepped["w"], side.variable.numpy())}
        pairs |= {slot: (kept[f"w/{slot}"], side.state()[f"w/{slot}"]) for slot in described.slots}
        for name, (mine, its) in pairs.items():
            apart = np.abs(mine.astype(np.float64) - its.astype(np.float64))
            found = max(found, float((apart / (bounds[name] + 2 * SMALLEST[dtype])).max()))
    return found


@pytest.mark.matrix(most=8)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_each_step_is_that_of_keras(rule: Optimizer, dtype: str) -> None:
    assert worst(rule, dtype) <= 1


@pytest.mark.parametrize("rule", [SGD(0.01, momentum=0.9), RMSprop(), Adam()], ids=repr)
def test_where_squares_overflow_both_sides_lose_the_same_entries(rule: Optimizer) -> None:
    start, g = np.ones((1, 3), np.float32), np.array([[1e30, 1.0, -1e30]], np.float32)
    side, w, state = KerasSide.of(rule, start), {"w": start}, rule.initial_state({"w": start})
    with np.errstate(over="ignore", invalid="ignore"):
        for t in range(1, 4):
            side.apply(g)
            w, state = rule.updated(w, {"w": g}, state, t)
    np.testing.assert_array_equal(np.isfinite(w["w"]), np.isfinite(side.variable.numpy()))


# planted errors


def _swapped(rule: Optimizer, step: Any) -> Optimizer:
    """The same description with another step."""

    class Wrong(type(rule)):  # type: ignore[misc]  # a base that is known only here
        def rule(self, t: int, dtype: Any) -> Any:
            return partial(step, self, t)

    return Wrong(**vars(rule))


def _adam(self: Adam, t: int, w: Array, g: Array, m: Array, v: Array, *_: Array, slip: str = "") -> None:
    """As a book writes it, with slips."""
    number = w.dtype.type
    held = number if slip == "exact" else lambda value: number(np.float32(value))
    p1, p2 = held(self.beta_1) ** number(t), held(self.beta_2) ** number(t)
    alpha = held(self.learning_rate) * (1 if slip == "uncorrected" else np.sqrt(1 - p2) / (1 - p1))
    epsilon = number(self.epsilon) * (np.sqrt(1 - p2) if slip == "the other epsilon" else 1)
    m += (g - m) * number(1 - self.beta_1)
    v += ((np.abs(g) if slip == "unsquared" else g * g) - v) * number(1 - self.beta_2)
    root = np.sqrt(v + epsilon) if slip == "epsilon inside" else np.sqrt(v) + epsilon
    w -= m * alpha / root


def _rmsprop(self: RMSprop, t: int, w: Array, g: Array, v: Array, *_: Array, slip: str = "") -> None:
    number = w.dtype.type
    v *= number(self.rho)
    v += number(1 - self.rho) * g * g
    root = np.sqrt(v) + number(self.epsilon) if slip else np.sqrt(v + number(self.epsilon))
    w -= number(np.float32(self.learning_rate)) * g / root


def _sgd(self: SGD, t: int, w: Array, g: Array, v: Array, *_: Array, slip: str = "") -> None:
    number = w.dtype.type
    rate, keep = number(np.float32(self.learning_rate)), number(np.float32(self.momentum))
    if slip == "rate outside":  # as PyTorch has it; the same W while lr stays, but another state
        v *= keep
        v += g
        w -= rate * v
        return
    old = v.copy()
    v *= keep
    v -= rate * g
    w += keep * (old if slip == "old velocity" else v) - rate * g


@pytest.mark.parametrize(
    ("rule", "step"), [(Adam(), _adam), (RMSprop(), _rmsprop), (SGD(0.01, 0.9, nesterov=True), _sgd)]
)
def test_the_tester_accepts_a_second_writing(rule: Optimizer, step: Any) -> None:
    assert worst(rule, "float64", _swapped(rule, step)) <= 1


@pytest.mark.parametrize(
    ("rule", "step", "slip"),
    [
        *(
            (Adam(), _adam, slip)
            for slip in ("epsilon inside", "the other epsilon", "uncorrected", "unsquared", "exact")
        ),
        (RMSprop(), _rmsprop, "epsilon outside"),
        (SGD(0.01, momentum=0.9, nesterov=True), _sgd, "old velocity"),
        (SGD(0.01, momentum=0.9), _sgd, "rate outside"),
        (SGD(0.01, momentum=0.9), _sgd, ""),  # Nesterov's in its place
    ],
)
def test_planted_errors_are_seen(rule: Optimizer, step: Any, slip: str) -> None:
    assert worst(rule, "float64", _swapped(rule, partial(step, slip=slip))) > 1e4


def test_a_thousandth_of_the_learning_rate_is_seen() -> None:
    assert worst(Adam(), "float64", Adam(1.001e-3)) > 1e4
    assert worst(Adam(), "float32", Adam(1.001e-3)) > 10


# the twin


@pytest.mark.parametrize("rule", RULES, ids=repr)
def test_the_twin_has_every_setting(rule: Optimizer) -> None:
    config = to_keras_optimizer(rule).get_config()
    for name, value in vars(rule).items():
        assert config[name] == (pytest.approx(value, rel=2.0**-24) if name == "learning_rate" else value)


def _built(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.Optimizer:
    optimizer.build([keras.Variable(np.ones(2))])
    return optimizer


class _Closed(keras.optimizers.SGD):
    """One whose settings cannot be read."""

    def get_config(self) -> dict[str, Any]:
        raise RuntimeError("no config")


def test_what_is_no_optimizer_is_refused() -> None:
    message = (
        r"^optimizer is str: expected SGD, RMSprop or Adam of manual_mlp, or one of Keras, e\.g\. Adam\(0\.001\)\.$"
    )
    with pytest.raises(TypeError, match=message):
        to_keras_optimizer("adam")  # type: ignore[arg-type]  # as above


def test_one_of_kerass_own_is_copied_with_its_schedule_and_what_it_does_not_decay() -> None:
    given = keras.optimizers.AdamW(keras.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5))
    given.exclude_from_weight_decay(var_names=["bias"])
    copy = to_keras_optimizer(given)
    assert copy is not given
    assert copy.get_config() == given.get_config()
    kernel, bias = (keras.Variable(np.ones(2), name=name) for name in ("kernel", "bias"))
    copy.build([kernel, bias])
    copy.apply([np.zeros(2, "float32"), np.zeros(2, "float32")], [kernel, bias])
    assert float(kernel[0]) < 1 == float(bias[0])


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        (keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD()), "LossScaleOptimizer: both sides take E as it is"),
        (_built(keras.optimizers.SGD()), "SGD that has weights already, whose state neither side would start from"),
        (_Closed(), "cannot be made again from its config: no config"),
    ],
)
def test_one_of_kerass_that_cannot_start_afresh_is_told(optimizer: keras.optimizers.Optimizer, text: str) -> None:
    with pytest.raises((TypeError, ValueError), match=text):
        to_keras_optimizer(optimizer)


@pytest.mark.parametrize("rate", [1, np.int64(1), np.float32(1)])
def test_any_number_will_do_for_keras(rate: Any) -> None:
    twin = to_keras_optimizer(SGD(rate, momentum=0.5, nesterov=np.bool_(True)))  # type: ignore[arg-type]  # as above
    assert (float(twin.learning_rate), twin.nesterov) == (1.0, True)
