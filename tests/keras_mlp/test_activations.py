"""Activations in Keras: every one against the tape, by its name, and read back from whatever holds it."""

from __future__ import annotations

from functools import partial
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status, compare
from gradient_diff.keras import check_gradients
from gradient_diff.noise.network import local_distance
from keras_mlp import backpropagate, from_keras, to_keras
from keras_mlp.activations import Exactly, as_held, name_of, rounded_in, to_function
from manual_mlp import ACTIVATIONS, MLP, Activation, Dense, Equation
from manual_mlp.dtypes import UNITS
from manual_mlp.equations.activations import activation
from manual_mlp.equations.local_rounding import GATE
from manual_mlp.equations.operations import Activate, Pullback
from tests.manual_mlp.equations.functions import decimals

NAMES = sorted({activation(n).name for n in decimals.VALUES} | set(ACTIVATIONS) - {"step"})
U = np.concatenate([np.random.default_rng(0).normal(size=200), np.linspace(-12, 12, 97), [30, -30, 1e-20, -1e-20, 0]])


def _inputs(name: str, dtype: str) -> np.ndarray:
    u = np.stack([U, U[::-1]], axis=1)
    if "celu" in name:  # TensorFlow's tape adds the slopes of both sides at 0
        u = u[(u != 0).all(axis=1)]
    record, unit = activation(name), UNITS[dtype]
    for kink in record.kinks:  # right beside it a library may be on the other side
        u = u[((u == kink) | (np.abs(u - kink) > 2 * unit * max(abs(kink), record.blur))).all(axis=1)]
    return u.astype(dtype)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", NAMES)
def test_value_and_slope_are_the_tape_s(name: str, dtype: str) -> None:
    u, record = _inputs(name, dtype), activation(name)
    g = np.random.default_rng(1).normal(size=u.shape).astype(dtype)
    function = keras.activations.get(to_function(name, dtype))
    x = tf.constant(u)
    with tf.GradientTape() as tape:
        tape.watch(x)
        z = function(x)
    delta = tape.gradient(z, x, output_gradients=tf.constant(g)).numpy()
    forward = Equation("a", "a/z", Activate(name), ("a/u",))
    assert local_distance(forward, {"a/u": u}, z.numpy(), dtype).max() <= 12
    read = u if record.reads == "u" else z.numpy()
    back = Equation("a", "a/dE_du", Pullback(name), ("a/dE_dz", "read"))
    assert local_distance(back, {"a/dE_dz": g, "read": read}, delta, dtype).max() <= 12
    moved = delta * (1 + 0.001 * (np.abs(read) > 1e-6))
    assert local_distance(back, {"a/dE_dz": g, "read": read}, moved, dtype).max() > GATE


@pytest.mark.parametrize("name", NAMES)
def test_there_and_back_it_is_the_same(name: str) -> None:
    mlp = MLP(3, [Dense(2, name), Dense(2), Activation(name)])
    for dtype in ("float64", "float32"):
        model = to_keras(mlp, mlp.initialize(0, dtype=dtype), dtype)
        assert from_keras(model)[0] == mlp
        again = keras.Sequential.from_config(model.get_config())
        assert from_keras(again)[0].layers == mlp.layers


L, A = keras.layers, keras.activations


@pytest.mark.parametrize(
    ("held", "name"),
    [
        (L.ReLU(), "relu"),
        (L.ReLU(max_value=6), "relu(max_value=6)"),
        (L.ReLU(negative_slope=0.1, threshold=0.5), "relu(negative_slope=0.1, threshold=0.5)"),
        (L.LeakyReLU(), "leaky_relu(negative_slope=0.3)"),
        (L.LeakyReLU(negative_slope=0.2), "leaky_relu"),
        (L.ELU(alpha=0.5), "elu(alpha=0.5)"),
        (L.Softmax(), "softmax"),
        (L.Softmax(axis=0), None),
        (L.PReLU(), None),  # it has weights
        (A.gelu, "gelu"),
        (A.swish, "silu"),
        (A.get("hard_swish"), "hard_silu"),
        (A.get(A.serialize(A.mish)), "mish"),
        (A.glu, None),
        (partial(A.gelu, approximate=True), "gelu(approximate=True)"),
        (partial(A.relu, max_value=np.float32(3)), "relu(max_value=3)"),
        (partial(A.softmax, axis=0), None),
        (partial(A.elu, -1.0), None),
        (lambda u: u, None),
        (Exactly("elu(0.5)"), "elu(alpha=0.5)"),
    ],
)
def test_what_holds_a_function_is_read(held: Any, name: str | None) -> None:
    assert name_of(held) == name


def test_a_layer_that_is_an_activation_is_read_within_a_model_and_one_with_weights_is_refused() -> None:
    layers = [keras.Input((3,)), L.Dense(4, L.LeakyReLU(), name="a"), L.ELU(0.5, name="b"), L.Dense(1, name="c")]
    mlp, _ = from_keras(keras.Sequential(layers))
    assert [layer.activation for layer in mlp.layers] == ["leaky_relu(negative_slope=0.3)", "elu(alpha=0.5)", "linear"]
    with pytest.raises(TypeError, match="'p' is a PReLU"):
        from_keras(keras.Sequential([keras.Input((3,)), L.PReLU(name="p")]))
    with pytest.raises(TypeError, match=r"'s' is a Softmax\(axis=0\)"):
        from_keras(keras.Sequential([keras.Input((3,)), L.Softmax(axis=0, name="s")]))
    with pytest.raises(TypeError, match="'d' has the activation 'glu'"):
        from_keras(keras.Sequential([keras.Input((3,)), L.Dense(4, "glu", name="d")]))


def _problem(name: str, dtype: str) -> tuple[MLP, dict[str, np.ndarray], np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    mlp = MLP(4, [Dense(6, name), Dense(5), Activation(name), Dense(2)])
    scale = 0.3 if name == "exponential" else 1.5  # of an exponential of an exponential little is finite
    parameters = {n: (scale * rng.normal(size=s)).astype(dtype) for n, s in mlp.parameter_shapes.items()}
    return mlp, parameters, rng.normal(size=(9, 4)).astype(dtype), rng.normal(size=(9, 2)).astype(dtype)


@pytest.mark.matrix(most=23)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", [n for n in NAMES if n != "linear"])
def test_a_network_matches_the_tape_and_a_thousandth_does_not(name: str, dtype: str) -> None:
    mlp, parameters, x, y = _problem(name, dtype)
    tape = backpropagate(to_keras(mlp, parameters, dtype), x, y, "mse")
    hand = mlp.backpropagate(parameters, x, y, "mse")
    assert compare(hand, tape).ok
    wrong = {**hand.gradients, "dense_1/kernel": hand.gradients["dense_1/kernel"] * np.asarray(1.001, dtype)}
    assert compare(wrong, tape).verdict is Status.MISMATCH


@pytest.mark.parametrize(
    ("name", "held"),
    [
        ("leaky_relu", "leaky_relu(negative_slope=0.20000000298023224)"),
        ("leaky_relu(0.25)", "leaky_relu(negative_slope=0.25)"),
        ("relu(negative_slope=0.1)", "relu(negative_slope=0.10000000149011612)"),
        ("relu(max_value=6)", "relu(max_value=6)"),
        ("gelu", "gelu(constant=0.7071067690849304)"),
        ("gelu(approximate=True)", "gelu(approximate=True, constant=0.044714998453855515)"),
        ("elu(0.3)", "elu(alpha=0.3)"),
    ],
)
def test_float64_tells_the_constants_that_pass_through_float32(name: str, held: str) -> None:
    assert as_held(name) == held
    assert bool(rounded_in(name)) == (activation(name).name != held)
    x = tf.constant(np.linspace(-3, 3, 61)[:, None], tf.float64)
    layer = keras.layers.Activation(_of_keras(name), dtype="float64")
    equation = Equation("a", "a/z", Activate(held), ("a/u",))
    assert local_distance(equation, {"a/u": x.numpy()}, layer(x).numpy(), "float64").max() < GATE


def _of_keras(name: str) -> Any:
    """Keras's own, whatever the house would give it."""
    base, _, rest = activation(name).name.partition("(")
    options = dict(pair.split("=") for pair in rest.rstrip(")").split(", ")) if rest else {}
    return partial(getattr(keras.activations, base), **{n: v == "True" or float(v) for n, v in options.items()})


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("name", ["gelu", "leaky_relu", "gelu(approximate=True)", "relu(negative_slope=0.1)"])
def test_a_float64_hand_is_right_with_the_exact_constant_and_with_the_held_one(name: str) -> None:
    _, parameters, x, y = _problem(name, "float64")
    layers = [
        keras.Input((4,), dtype="float64"),
        L.Dense(6, _of_keras(name), dtype="float64"),
        L.Dense(2, dtype="float64"),
    ]
    model = keras.Sequential(layers)
    model.set_weights([parameters[n] for n in ("dense_1/kernel", "dense_1/bias")] + [np.ones((6, 2)), np.zeros(2)])
    for function in (name, as_held(name)):
        mlp, held = from_keras(model)
        mlp = MLP(4, [Dense(6, function, name=mlp.layers[0].name), mlp.layers[1]])
        hand = mlp.backpropagate(held, x, y, "mse").gradients
        assert check_gradients(model, x, y, hand, loss="mse").ok
        off = {n: g * (1 + 1e-8) for n, g in hand.items()}
        assert check_gradients(model, x, y, off, loss="mse").verdict is Status.MISMATCH
