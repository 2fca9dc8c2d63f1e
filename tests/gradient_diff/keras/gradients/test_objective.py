"""The E that Keras trains: however the loss is named, and whatever is added to it, once."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import GradientDiff, Status
from gradient_diff.keras import check_gradients
from keras_mlp.constants import rounds_floats
from manual_mlp import Array

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

L, R = 0.05, keras.regularizers  # a λ that float32 does not hold
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(6, 4)), RNG.normal(size=(6, 2))
DTYPES = ("float32", "float64")
PENALTIES: dict[str, dict[str, Any]] = {
    "none": {},
    "L1": {"kernel_regularizer": R.L1(L)},
    "L2": {"kernel_regularizer": R.L2(L)},
    "L1L2": {"kernel_regularizer": R.L1L2(L, L)},
    "bias": {"bias_regularizer": R.L2(L)},
    "orthogonal": {"kernel_regularizer": R.OrthogonalRegularizer(L)},
    "activity": {"activity_regularizer": R.L2(L)},
    "add_loss": {},
}
LOSSES = ("name", "object", "compiled")
KINDS = ("Sequential", "functional", "subclassed")
AXES: tuple[Sequence[Any], ...] = (LOSSES, KINDS, tuple(PENALTIES), DTYPES, DTYPES, (True, False))
RATE, EPSILON = 0.4, 1e-3
BY_BATCH = "batch_size" in inspect.getsource(keras.layers.Layer.__call__)  # Keras divides an activity's penalty by N
HELD = "; Keras holds this constant as 0.05000000074505806"


@dataclass(frozen=True)
class Setting:
    """One model and one hand."""

    how: str
    kind: str
    penalty: str
    stored: str
    hand: str
    training: bool

    def __str__(self) -> str:
        way = "training" if self.training else "inference"
        return f"{self.how}-{self.kind}-{self.penalty}-{self.stored}-{self.hand}-{way}"


def _parts(setting: Setting, size: int) -> set[tuple[tuple[int, Any], ...]]:
    """Each choice of so many of its settings."""
    chosen = enumerate((setting.how, setting.kind, setting.penalty, setting.stored, setting.hand, setting.training))
    return set(itertools.combinations(chosen, size))


WHOLE = [Setting(*values) for values in itertools.product(*AXES)]


def _covering(size: int) -> list[Setting]:
    """Few settings in which all choices of so many meet: always the one that brings most that is new, the first of
    equals."""
    parts = {setting: _parts(setting, size) for setting in WHOLE}
    missing, found = set[Any]().union(*parts.values()), list[Setting]()
    while missing:
        found.append(max(WHOLE, key=lambda setting: len(parts[setting] & missing)))
        missing -= parts[found[-1]]
    return found


SINGLES, PAIRS, TRIPLES = map(_covering, (1, 2, 3))
AGAIN = pytest.mark.slow(again=True)


class Penalty(keras.layers.Layer):
    """Adds L Σ z² to E."""

    def call(self, z: Any) -> Any:
        self.add_loss(L * tf.reduce_sum(tf.square(z)))
        return z


class Subclassed(keras.Model):
    """Its layers one after the other, which only its call knows."""

    def __init__(self, parts: list[keras.layers.Layer], dtype: str) -> None:
        super().__init__(dtype=dtype)
        self.parts = parts

    def call(self, z: Any, training: bool | None = None) -> Any:
        for part in self.parts:
            z = part(z, training=training) if isinstance(part, keras.layers.BatchNormalization) else part(z)
        return z


def _model(kind: str, penalty: str, dtype: str, between: bool = True) -> keras.Model:
    """Of two dense layers; between them what is another thing in training: Dropout or BatchNormalization."""
    keras.utils.set_random_seed(1)
    dense = keras.layers.Dense
    layers = [dense(3, "tanh", bias_initializer="normal", dtype=dtype, **PENALTIES[penalty])]
    if penalty == "add_loss":
        layers.append(Penalty(dtype=dtype))
    if between:
        layers.append(_dropout(dtype) if kind == "Sequential" else _batch_normalization(dtype))
    layers.append(dense(2, dtype=dtype))
    inputs = z = keras.Input((4,), dtype=dtype)
    if kind == "Sequential":
        return keras.Sequential([inputs, *layers])
    if kind == "subclassed":
        model = Subclassed(layers, dtype)
        model(X.astype(dtype))
        return model
    for layer in layers:
        z = layer(z)
    return keras.Model(inputs, keras.layers.Add(dtype=dtype)([z, 0 * z]))


def _dropout(dtype: str) -> keras.layers.Dropout:
    """Each that is made anew draws the same masks."""
    return keras.layers.Dropout(RATE, seed=3, dtype=dtype)


def _batch_normalization(dtype: str) -> keras.layers.BatchNormalization:
    drawn = {f"{name}_initializer": keras.initializers.RandomUniform(0.5, 1.5, seed=i) for i, name in enumerate(OF_BN)}
    return keras.layers.BatchNormalization(epsilon=EPSILON, dtype=dtype, **drawn)


OF_BN = ("gamma", "beta", "moving_mean", "moving_variance")


def _by_hand(model: keras.Model, x: Array, y: Array, penalty: str, training: bool) -> tuple[list[Array], list[Array]]:
    """dE/dW of the mean squared error, and of the penalty alone, in plain NumPy."""
    w1, b1, *of_bn, w2, b2 = (w.numpy().astype(np.float64) for w in model.trainable_weights)
    z = np.tanh(x @ w1 + b1)
    if of_bn:
        moving = (w.numpy().astype(np.float64) for w in model.non_trainable_weights)
        a, back = _normalized(z, *of_bn, *(() if training else moving))
    else:
        mask = _mask(model, z.shape) if training else np.ones_like(z)
        a, back = z * mask, lambda da: (da * mask, [])
    d2 = 2 * (a @ w2 + b2 - y) / y.size
    dz, dbn = back(d2 @ w2.T)

    def through(dz: Array) -> list[Array]:
        d1 = dz * (1 - z * z)
        return [x.T @ d1, d1.sum(0)]

    of_z = {"activity": 2 * L * z / (len(x) if BY_BATCH else 1), "add_loss": 2 * L * z}.get(penalty, 0 * z)
    kernel, bias = through(of_z)
    if penalty == "orthogonal":
        kernel = kernel + _of_orthogonal(w1)
    kernel = kernel + L * np.sign(w1) * (penalty in ("L1", "L1L2")) + 2 * L * w1 * (penalty in ("L2", "L1L2"))
    bias = bias + 2 * L * b1 * (penalty == "bias")
    return [*through(dz), *dbn, a.T @ d2, d2.sum(0)], [kernel, bias, *(0 * d for d in dbn), 0 * w2, 0 * b2]


def _mask(model: keras.Model, shape: tuple[int, ...]) -> Array:
    """What a new layer of the same seed drops first; of ones where the model has none."""
    dtypes = [z.compute_dtype for z in model.layers if isinstance(z, keras.layers.Dropout)]
    kept = [_dropout(d)(np.ones(shape, d), training=True).numpy().astype(np.float64) for d in dtypes]
    return kept[0] if kept else np.ones(shape)


Back = Callable[[Array], tuple[Array, list[Array]]]


def _normalized(z: Array, gamma: Array, beta: Array, *moving: Array) -> tuple[Array, Back]:
    """γ ẑ + β with ẑ = (z − m)/s, s = √(v + ε), and da → (dz, [dγ, dβ]); m and v are the batch's where none move.

    Of its own batch dẑ = da γ gives dz = (dẑ − mean dẑ − ẑ mean(dẑ ẑ))/s, means over the samples.
    """
    mean, variance = moving or (z.mean(0), z.var(0))
    s = np.sqrt(variance + EPSILON)
    hat = (z - mean) / s

    def back(da: Array) -> tuple[Array, list[Array]]:
        d = da * gamma
        dz = d / s if moving else (d - d.mean(0) - hat * (d * hat).mean(0)) / s
        return dz, [(da * hat).sum(0), da.sum(0)]

    return gamma * hat + beta, back


def _of_orthogonal(w: Array) -> Array:
    """Of L/pairs · ½ Σ_{i≠j} |uᵢ·uⱼ|, u = w/‖w‖ row by row: dE/du = L/pairs · Σ_j s_ij uⱼ, then through the norm."""
    norm = np.linalg.norm(w, axis=1, keepdims=True)
    u = w / norm
    signs = np.sign(u @ u.T) * (1 - np.eye(len(w)))
    du = L / (len(w) * (len(w) - 1) / 2) * signs @ u
    return (du - u * (u * du).sum(axis=1, keepdims=True)) / norm


def _check(s: Setting) -> None:
    """The right gradients match, and those with the penalty once more do not; without one, twice the gradients."""
    if (s.penalty, s.stored, s.hand) == ("L1", "float64", "float32") and not rounds_floats():
        pytest.skip("Keras before 3.14 has no L1 in float64")
    model, loss = _model(s.kind, s.penalty, s.stored), {"name": "mse", "object": keras.losses.MeanSquaredError()}
    if s.how == "compiled":
        model.compile("sgd", "mse")
    x, y = X.astype(s.stored), Y.astype(s.stored)
    main, more = _by_hand(model, x.astype(float), y.astype(float), s.penalty, s.training)
    if s.penalty == "none":
        more = main

    def check(times: int) -> GradientDiff:
        mine = [(m + times * p).astype(s.hand) for m, p in zip(main, more, strict=True)]
        return check_gradients(model, x, y, mine, loss=loss.get(s.how), training=s.training)

    if s.penalty == "orthogonal" and s.stored == "float64":
        with pytest.raises(ValueError, match=r"^Keras itself cannot compute E of .* or pass loss="):
            check(1)
        return
    assert {row.status for row in check(0 if s.penalty == "none" else 1).rows} == {Status.MATCH}
    assert check(2).verdict is Status.MISMATCH


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize(
    "setting", [*SINGLES, *(pytest.param(s, marks=AGAIN) for s in PAIRS if s not in SINGLES)], ids=str
)
def test_each_penalty_counts_once(setting: Setting) -> None:
    _check(setting)


@pytest.mark.slow
@pytest.mark.parametrize("setting", TRIPLES, ids=str)
def test_each_penalty_counts_once_everywhere(setting: Setting) -> None:
    _check(setting)


@pytest.mark.parametrize(("found", "size", "at_most"), [(PAIRS, 2, 30), (TRIPLES, 3, 100)])
def test_every_pair_and_triple_of_settings_is_met(found: list[Setting], size: int, at_most: int) -> None:
    axes = [[(place, value) for value in axis] for place, axis in enumerate(AXES)]
    wanted = {one for some in itertools.combinations(axes, size) for one in itertools.product(*some)}
    met = set[Any]().union(*(_parts(setting, size) for setting in found))
    assert met == wanted
    assert len(found) <= at_most


@pytest.mark.skipif(not rounds_floats(), reason="Keras before 3.14 computes with a plain float as it is")
@pytest.mark.parametrize("kind", ["Sequential", "functional"])
@pytest.mark.parametrize("penalty", ["L1", "L2", "bias", "activity"])
def test_a_constant_counts_as_written_or_as_float32_rounds_it_and_in_no_other_way(kind: str, penalty: str) -> None:
    model = _model(kind, penalty, "float64", between=False)
    main, more = _by_hand(model, X, Y, penalty, training=True)
    told = 0
    for factor, status in (
        (1.0, Status.MATCH),
        (float(np.float32(L)) / L, Status.MATCH),
        (1 + 3e-9, Status.MISMATCH),
        (1 + 3e-8, Status.MISMATCH),
    ):
        diff = check_gradients(model, X, Y, [m + factor * p for m, p in zip(main, more, strict=True)], loss="mse")
        assert diff.verdict is status, factor
        told += sum(row.reason.endswith(HELD) for row in diff.rows)
    assert told >= 4


@pytest.mark.parametrize("loss", [["mse"], {"out": "mse"}, "mse", keras.losses.MeanSquaredError()])
@pytest.mark.parametrize("weights", [None, [3.0], {"out": 3.0}, 3.0])
def test_a_compiled_loss_in_any_form_and_with_its_weight(loss: Any, weights: Any) -> None:
    if isinstance(weights, dict | list) and type(weights) is not type(loss):
        pytest.skip("Keras wants both in one form")
    inputs = keras.Input((4,))
    model = keras.Model(inputs, keras.layers.Dense(2, name="out")(inputs))
    model.compile("sgd", loss, loss_weights=weights)
    x, y = X.astype("f4"), Y.astype("f4")
    w, b = (a.astype(float) for a in model.get_weights())
    scale = 3.0 if weights else 1.0
    d = scale * 2 * (x.astype(float) @ w + b - y) / y.size
    right = [x.astype(float).T @ d, d.sum(0)]
    assert check_gradients(model, x, y, right).verdict is Status.MATCH
    assert check_gradients(model, x, y, [2 * g for g in right]).verdict is Status.MISMATCH


@pytest.mark.parametrize("reduction", ["sum", "none", None])
def test_a_loss_that_reduces_nothing_is_summed_as_a_tape_does(reduction: Any) -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    x, y = X.astype("f4"), Y.astype("f4")
    w, b = (a.astype(float) for a in model.get_weights())
    d = 2 * (x.astype(float) @ w + b - y) / 2
    right = [x.astype(float).T @ d, d.sum(0)]
    loss = keras.losses.MeanSquaredError(reduction=reduction)
    assert check_gradients(model, x, y, right, loss=loss).verdict is Status.MATCH
    assert check_gradients(model, x, y, [2 * g for g in right], loss=loss).verdict is Status.MISMATCH


def test_a_loss_may_be_a_class_of_keras() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    w, b = (a.astype(float) for a in model.get_weights())
    d = 2 * (X @ w + b - Y) / Y.size
    assert check_gradients(model, X, Y, [X.T @ d, d.sum(0)], loss=keras.losses.MeanSquaredError).ok


def test_gradients_in_the_place_of_y_are_told_in_a_sentence() -> None:
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2)])
    with pytest.raises(ValueError, match=r"^y cannot be read as an array: .* gradients come after x and y\.$"):
        check_gradients(model, X, [np.ones((4, 2)), np.ones(2)], Y, loss="mse")


class _Tripled(keras.Model):
    """Its E is three times the compiled one."""

    def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, **_: Any) -> Any:
        return 3 * tf.reduce_mean(tf.square(y - y_pred))


@pytest.mark.parametrize("decay", [None, "l2"])
def test_a_compute_loss_of_its_own_is_what_fit_trains(decay: Any) -> None:
    inputs = keras.Input((4,))
    model = _Tripled(inputs, keras.layers.Dense(2, kernel_regularizer=decay)(inputs))
    model.compile("sgd", "mse")
    x, y = X.astype("f4"), Y.astype("f4")
    w, b = (a.astype(float) for a in model.get_weights())
    d = 3 * 2 * (x.astype(float) @ w + b - y) / y.size
    right = [(x.astype(float).T @ d).astype("f4"), d.sum(0).astype("f4")]
    assert check_gradients(model, x, y, right).verdict is Status.MATCH  # it adds no decay, and so fit trains none
    assert check_gradients(model, x, y, [g / 3 for g in right]).verdict is Status.MISMATCH


class _Penalised(keras.layers.Layer):
    """Its penalty is known once it was called."""

    def call(self, inputs: Any) -> Any:
        self.add_loss(0.01 * keras.ops.sum(keras.ops.square(inputs)))
        return inputs


@pytest.mark.parametrize("y", [None, Y.astype("f4")], ids=["no targets", "targets"])
def test_a_model_that_trains_nothing_but_a_penalty_of_its_call(y: Any) -> None:
    inputs = keras.Input((4,))
    model = keras.Model(inputs, _Penalised()(keras.layers.Dense(2)(inputs)))
    model.compile("sgd")
    x = X.astype("f4")
    w, b = (a.astype(float) for a in model.get_weights())
    d = 0.02 * (x.astype(float) @ w + b)
    right = [x.astype(float).T @ d, d.sum(0)]
    assert check_gradients(model, x, y, right).ok
    assert check_gradients(model, x, y, [2 * g for g in right]).verdict is Status.MISMATCH


@pytest.mark.parametrize("how", LOSSES)
def test_of_a_sigmoid_below_a_categorical_cross_entropy_keras_trains_softmax(how: str) -> None:
    """Keras takes the u below any sigmoid for its logits: dE/du is (softmax(u) − y)/N."""
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, "sigmoid")])
    model.compile("sgd", "categorical_crossentropy")
    x, y = X.astype("f4"), np.eye(3, dtype="f4")[[0, 1, 2, 0, 1, 2]]
    w, b = (a.astype(float) for a in model.get_weights())
    e = np.exp(x.astype(float) @ w + b)
    d = (e / e.sum(1, keepdims=True) - y) / len(x)
    right = [x.astype(float).T @ d, d.sum(0)]
    loss = {"name": "categorical_crossentropy", "object": keras.losses.CategoricalCrossentropy()}.get(how)
    assert check_gradients(model, x, y, right, loss=loss).verdict is Status.MATCH
    assert check_gradients(model, x, y, [1.001 * g for g in right], loss=loss).verdict is Status.MISMATCH
