"""A hand that is right for another E: the setting, number, activation or loss that explains it is named."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import MISTAKES, GradientDiff, Status
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.keras import check_gradients
from manual_mlp import Array

pytestmark = pytest.mark.matrix

K = keras.losses
Layers = keras.layers
RNG = np.random.default_rng(3)
X = RNG.normal(size=(6, 4)).astype("float32")
REAL = RNG.normal(size=(6, 3)).astype("float32")
ONE_HOT = np.eye(3, dtype="float32")[[0, 1, 2, 0, 1, 1]]
WEIGHTS = np.array([1, 2, 3, 1, 2, 0.5], "float32")
WIDE = 0.7  # of the weights, so that no variation is lost in rounding
Delta = Callable[[Array], Array]


def _erf_gelu(u: Array) -> tuple[Array, Array]:
    cdf = np.vectorize(lambda t: 0.5 * (1 + math.erf(t / math.sqrt(2))))(u)
    return u * cdf, cdf + u * np.exp(-u * u / 2) / math.sqrt(2 * math.pi)


def _tanh_gelu(u: Array) -> tuple[Array, Array]:
    c = math.sqrt(2 / math.pi)
    t = np.tanh(c * (u + 0.044715 * u**3))
    return 0.5 * u * (1 + t), 0.5 * (1 + t) + 0.5 * u * (1 - t * t) * c * (1 + 3 * 0.044715 * u * u)


ACTIVATIONS: dict[str, Callable[[Array], tuple[Array, Array]]] = {
    "tanh": lambda u: (np.tanh(u), 1 - np.tanh(u) ** 2),
    "relu": lambda u: (np.maximum(u, 0), (u > 0) * 1.0),
    "leaky": lambda u: (np.where(u > 0, u, 0.2 * u), np.where(u > 0, 1, 0.2)),
    "sigmoid": lambda u: (1 / (1 + np.exp(-u)), np.exp(-u) / (1 + np.exp(-u)) ** 2),
    "linear": lambda u: (u, np.ones_like(u)),
    "gelu": _erf_gelu,
    "gelu by tanh": _tanh_gelu,
}


def _model(kind: str, last: str = "linear", dtype: str = "float32") -> keras.Model:
    """A "sequential" chain with tanh, which is described, or a "functional" model with gelu, which is not."""
    keras.utils.set_random_seed(5)
    wide = {"kernel_initializer": keras.initializers.RandomNormal(stddev=WIDE, seed=1), "bias_initializer": "ones"}
    first = Layers.Dense(5, "tanh" if kind == "sequential" else "gelu", name="first", dtype=dtype, **wide)
    second = Layers.Dense(3, last, name="second", dtype=dtype, **wide)
    inputs = keras.Input((4,), dtype=dtype)
    if kind == "sequential":
        return keras.Sequential([inputs, first, second])
    return keras.Model(inputs, second(first(inputs)))


def _softmax(u: Array, axis: int | None = -1) -> Array:
    e = np.exp(u - u.max())
    found: Array = e / e.sum(axis=axis, keepdims=True)
    return found


def _by_hand(model: keras.Model, delta: Delta, activation: str = "", x: Array = X, dtype: Any = None) -> list[Array]:
    """In plain NumPy, from dE/du of the output as a function of u; in the dtype of the model's weights."""
    w1, b1, w2, b2 = (np.asarray(a, np.float64) for a in model.get_weights())
    u = x.astype(np.float64) @ w1 + b1
    z, slope = ACTIVATIONS[activation or ("tanh" if isinstance(model, keras.Sequential) else "gelu")](u)
    d2 = delta(z @ w2 + b2)
    d1 = d2 @ w2.T * slope
    found = [x.T.astype(np.float64) @ d1, d1.sum(0), z.T @ d2, d2.sum(0)]
    return [a.astype(dtype or model.get_weights()[0].dtype) for a in found]


def _taped(model: keras.Model, value: Callable[[Any], Any], x: Array = X) -> list[Any]:
    """By a tape of its own, of a value of the outputs."""
    with tf.GradientTape() as tape:
        e = value(model(x))
    found: list[Any] = tape.gradient(e, model.trainable_variables)
    return found


def _named(diff: GradientDiff, name: str, *words: str) -> None:
    assert diff.verdict is Status.MISMATCH, str(diff)
    assert len(diff.causes) == 1, str(diff)
    assert diff.causes[0].id == name, str(diff.causes[0])
    assert name in SETTINGS or name in MISTAKES, "explain knows it"
    assert not diff.unexplained
    for word in words:
        assert word in diff.causes[0].message


MSE: Delta = lambda u: 2 * (u - REAL) / u.size  # noqa: E731  (one line each, beside the others)
KINDS = pytest.mark.parametrize("kind", ["sequential", "functional"])
ONE_KIND = pytest.mark.parametrize("kind", ["functional", pytest.param("sequential", marks=pytest.mark.slow)])
"""Where what is asked is the same of both: `test_another_loss` asks both in the quick tier."""
OTHER_LOSSES: dict[str, tuple[Delta, str]] = {
    "mean absolute error": (lambda u: np.sign(u - REAL) / u.size, ""),
    "huber": (lambda u: np.clip(u - REAL, -1, 1) / u.size, ""),
    "log cosh": (lambda u: np.tanh(u - REAL) / u.size, ""),
    "mean absolute error, N times": (lambda u: 6 * np.sign(u - REAL) / u.size, ""),
    "mean absolute percentage error": (lambda u: 100 * np.sign(u - REAL) / np.abs(REAL) / u.size, ""),
}


@KINDS
@pytest.mark.parametrize("words", OTHER_LOSSES)
def test_another_loss(kind: str, words: str) -> None:
    model = _model(kind)
    diff = check_gradients(model, X, REAL, _by_hand(model, OTHER_LOSSES[words][0]), loss="mse")
    assert diff.verdict is Status.MISMATCH
    assert "other_loss" in [c.id for c in diff.causes], str(diff)
    if kind == "functional":
        _named(diff, "other_loss", f"those of {words}.", "The loss that was given is mean_squared_error")


def test_in_float64_too() -> None:
    model = _model("functional", dtype="float64")
    delta = OTHER_LOSSES["log cosh"][0]
    _named(check_gradients(model, X, REAL, _by_hand(model, delta), loss="mse"), "other_loss", "log cosh")
    nearly = [a * (1 + 1e-6 * (i == 0)) for i, a in enumerate(_by_hand(model, delta))]
    assert not check_gradients(model, X, REAL, nearly, loss="mse").causes


def test_a_look_alike_is_folded_with_its_reason() -> None:
    model = _model("functional")
    near = (np.asarray(model(X)) + 0.5 * np.tanh(REAL)).astype("float32")
    half = _by_hand(model, lambda u: (u - near) / u.size)
    diff = check_gradients(model, X, near, half, loss="mae")
    _named(diff, "other_loss", "mean squared error, half of it", "the same as huber: all |e| ≤ 1")


OTHER_ACTIVATIONS = {
    "relu": "relu at first",
    "leaky": "leaky ReLU of slope 0.2 at first",
    "sigmoid": "sigmoid at first",
    "linear": "a network whose first has no activation",
    "gelu by tanh": "gelu with tanh at first",
}


@KINDS
@pytest.mark.parametrize("activation", OTHER_ACTIVATIONS)
def test_another_activation(kind: str, activation: str) -> None:
    model = _model(kind)
    diff = check_gradients(model, X, REAL, _by_hand(model, MSE, activation), loss="mse")
    _named(
        diff, "other_activation", OTHER_ACTIVATIONS[activation], f"The model has {model.layers[-2].activation.__name__}"
    )


def test_an_activation_that_was_added() -> None:
    model = _model("functional")
    hand = _by_hand(model, lambda u: 2 * (np.tanh(u) - REAL) / u.size * (1 - np.tanh(u) ** 2))
    _named(check_gradients(model, X, REAL, hand, loss="mse"), "other_activation", "tanh at second", "has linear there")


@pytest.mark.parametrize(
    ("given", "taken", "words"),
    [
        (Layers.LeakyReLU(0.2, name="bend"), Layers.LeakyReLU(0.3), "leaky ReLU of slope 0.3 at bend"),
        (Layers.ReLU(name="bend"), Layers.Activation("linear"), "a network whose bend has no activation"),
        (Layers.Activation("gelu", name="bend"), Layers.Activation("silu"), "silu at bend"),
        (Layers.Softmax(name="bend"), Layers.Softmax(axis=0), "softmax over the batch at bend"),
    ],
)
def test_layers_that_are_an_activation(given: Any, taken: Any, words: str) -> None:
    model, other = (
        keras.Sequential([keras.Input((4,)), Layers.Dense(5, bias_initializer="ones"), z, Layers.Dense(3)])
        for z in (given, taken)
    )
    other.set_weights(model.get_weights())
    hand = _taped(other, lambda p: tf.reduce_mean((p - REAL) ** 2))
    before = vars(given).copy()
    _named(check_gradients(model, X, REAL, hand, loss="mse"), "other_activation", words)
    assert vars(given).keys() == before.keys()


@pytest.mark.parametrize(("axis", "words"), [(0, "softmax over the batch"), (None, "softmax over all entries")])
def test_p_minus_y_of_a_wrong_softmax(axis: int | None, words: str) -> None:
    model = _model("functional", "softmax")
    hand = _by_hand(model, lambda u: (_softmax(u, axis) - ONE_HOT) / len(u))
    diff = check_gradients(model, X, ONE_HOT, hand, loss="categorical_crossentropy")
    _named(diff, "other_activation", f"δ = p − y with a p by {words}")


@ONE_KIND
def test_logits_that_were_taken_for_probabilities(kind: str) -> None:
    model = _model(kind)
    hand = _by_hand(model, lambda u: (1 / (1 + np.exp(-u)) - ONE_HOT) / u.size)
    diff = check_gradients(model, X, ONE_HOT, hand, loss=K.BinaryCrossentropy())
    assert diff.causes[0].id == "from_logits", str(diff)
    assert "outputs taken for logits" in diff.causes[0].message


@ONE_KIND
def test_smoothed_labels_tell_their_alpha(kind: str) -> None:
    model = _model(kind, "softmax")
    smooth = 0.87 * ONE_HOT + 0.13 / 3
    hand = _by_hand(model, lambda u: (_softmax(u) - smooth) / len(u))
    given = check_gradients(model, X, ONE_HOT, hand, loss="categorical_crossentropy")
    _named(given, "label_smoothing", "labels smoothed by 0.13.")
    plain = _by_hand(model, lambda u: (_softmax(u) - ONE_HOT) / len(u))
    loss = K.CategoricalCrossentropy(label_smoothing=0.13)
    _named(check_gradients(model, X, ONE_HOT, plain, loss=loss), "label_smoothing", "labels that are not smoothed")


@ONE_KIND
def test_labels_whose_sum_is_not_1(kind: str) -> None:
    model, y = _model(kind, "softmax"), ONE_HOT * np.array([[0], [1], [1], [0], [1], [2]], "float32")
    proper = _by_hand(model, lambda u: (_softmax(u) * y.sum(1, keepdims=True) - y) / len(u))
    diff = check_gradients(model, X, y, proper, loss="categorical_crossentropy")
    assert diff.verdict is Status.REFERENCE_OFF
    assert diff.causes[0].id == "labels_sum", str(diff)
    assert "δ = p Σy − y" in diff.causes[0].message


def test_probabilities_that_are_not_divided_by_their_sum() -> None:
    model = _model("functional", "sigmoid")
    p: Delta = lambda u: 1 / (1 + np.exp(-u))  # noqa: E731
    undivided = _by_hand(model, lambda u: -ONE_HOT * (1 - p(u)) / len(u))
    divided = _by_hand(model, lambda u: (-ONE_HOT / p(u) + 1 / p(u).sum(1, keepdims=True)) / len(u) * p(u) * (1 - p(u)))
    binary = _by_hand(model, lambda u: (p(u) - ONE_HOT) / len(u))
    for hand, name, words in (
        (undivided, "labels_sum", "outputs that are not divided by their sum, δ = −y/p"),
        (divided, "from_logits", "categorical crossentropy of the outputs themselves"),
        (binary, "other_loss", "binary crossentropy, K times"),
    ):
        _named(check_gradients(model, X, ONE_HOT, hand, loss="categorical_crossentropy"), name, words)


def _weighed(kind: str) -> tuple[keras.Model, Callable[[Array], list[Array]]]:
    model = _model(kind)
    return model, lambda w: _by_hand(model, lambda u: MSE(u) * np.reshape(w, (-1, 1)))


@ONE_KIND
def test_weights_of_samples(kind: str) -> None:
    model, hand = _weighed(kind)
    given = {"loss": "mse", "sample_weight": WEIGHTS}
    _named(check_gradients(model, X, REAL, hand(np.ones(6)), **given), "sample_weight_missing", "unweighted samples")
    by_sum = check_gradients(model, X, REAL, hand(WEIGHTS * 6 / WEIGHTS.sum()), **given)
    _named(by_sum, "sample_weight_mean", "a mean over the weights, 1/Σw: 0.631579 times E")
    assert not check_gradients(model, X, REAL, hand(WEIGHTS[::-1]), **given).causes


@pytest.mark.parametrize("how", ["given", "compiled"])
@pytest.mark.parametrize("loss", ["mean_squared_error", "categorical_crossentropy"])
@KINDS
def test_weights_of_samples_within_a_function(kind: str, loss: str, how: str) -> None:
    def weighed(y: Any, p: Any) -> Any:
        return getattr(keras.losses, loss)(y, p) * WEIGHTS.astype("f4")

    squared = loss == "mean_squared_error"
    model, y = _model(kind, "linear" if squared else "softmax"), REAL if squared else ONE_HOT
    delta = MSE if squared else lambda u: (_softmax(u) - ONE_HOT) / len(u)

    def hand(w: Array) -> list[Array]:
        return _by_hand(model, lambda u: delta(u) * np.reshape(w, (-1, 1)))

    model.compile("sgd", weighed)
    given = weighed if how == "given" else None
    assert check_gradients(model, X, y, hand(WEIGHTS), loss=given).ok
    plain = check_gradients(model, X, y, hand(np.ones(6)), loss=given)
    _named(plain, "sample_weight_missing", "unweighted samples")
    by_sum = check_gradients(model, X, y, hand(WEIGHTS * 6 / WEIGHTS.sum()), loss=given)
    _named(by_sum, "sample_weight_mean", "a mean over the weights, 1/Σw: 0.631579 times E")
    assert not check_gradients(model, X, y, hand(WEIGHTS[::-1]), loss=given).causes


@ONE_KIND
def test_the_weight_of_the_loss(kind: str) -> None:
    model = _model(kind)
    model.compile("sgd", "mse", loss_weights=0.3)
    diff = check_gradients(model, X, REAL, _by_hand(model, MSE))
    _named(diff, "loss_weights", "E without the weight 0.3 of its loss: 3.33333 times E")


def _decayed() -> keras.Model:
    """No Sequential: there the equations name the mistake, and the layer, see `test_penalised`."""
    keras.utils.set_random_seed(5)
    l1, l2 = keras.regularizers.L1(0.1), keras.regularizers.L2(0.2)
    inputs = keras.Input((4,))
    hidden = Layers.Dense(5, "gelu", kernel_regularizer=l1)(inputs)
    return keras.Model(inputs, Layers.Dense(3, kernel_regularizer=l2)(hidden))


@pytest.mark.parametrize(
    ("factors", "name", "words"),
    [
        ((1, 0, 0), "penalty_missing", "the loss alone, without its penalties"),
        ((1, 1, 0), "penalty_missing", "the second penalty of model.losses"),
        ((1, 0, 1), "penalty_missing", "the first penalty of model.losses"),
        ((1, 1, 0.5), "penalty_factor", "the second penalty of model.losses 0.5 times"),
        ((1, 1 / 6, 1 / 6), "penalty_factor", "every penalty of model.losses 0.1667 = 1/N times"),
        ((6, 1, 1), "missing_batch_mean", "6 is the batch size"),
        ((18, 1, 1), "missing_output_mean", "that is N·K, with N = 6 and K = 3"),
        ((0.77, 1, 1), "loss_factor", "the loss 0.77 times and its penalties once"),
    ],
)
def test_parts_of_e_that_count_otherwise(factors: Sequence[float], name: str, words: str) -> None:
    model = _decayed()
    assert len(model.losses) == 2

    def value(p: Any) -> Any:
        parts = [tf.reduce_mean((p - REAL) ** 2), *model.losses]
        return sum(f * part for f, part in zip(factors, parts, strict=True))

    _named(check_gradients(model, X, REAL, _taped(model, value), loss="mse"), name, words)


def test_a_mean_over_the_weights_beside_penalties() -> None:
    model = _decayed()
    hand = _taped(
        model,
        lambda p: tf.reduce_sum(tf.reduce_mean((p - REAL) ** 2, 1) * WEIGHTS) / WEIGHTS.sum() + sum(model.losses),
    )
    diff = check_gradients(model, X, REAL, hand, loss="mse", sample_weight=WEIGHTS)
    _named(diff, "sample_weight_mean", "a mean over the weights, 1/Σw")


def _two_headed() -> keras.Model:
    keras.utils.set_random_seed(1)
    inputs = keras.Input((4,))
    hidden = Layers.Dense(3, "tanh")(inputs)
    model = keras.Model(inputs, [Layers.Dense(1, name="a")(hidden), Layers.Dense(2, name="b")(hidden)])
    model.compile("sgd", ["mse", "mse"], loss_weights=[1.0, 0.3])
    return model


def test_the_weight_of_one_output() -> None:
    model, y = _two_headed(), [REAL[:, :1], REAL[:, 1:]]

    def value(first: float, second: float) -> Callable[[Any], Any]:
        return lambda p: first * tf.reduce_mean((p[0] - y[0]) ** 2) + second * tf.reduce_mean((p[1] - y[1]) ** 2)

    assert check_gradients(model, X, y, _taped(model, value(1.0, 0.3))).verdict is Status.MATCH
    diff = check_gradients(model, X, y, _taped(model, value(1.0, 1.0)))
    _named(diff, "loss_weights", "the loss of output b 3.333 times")
    assert "output a" not in str(diff.causes[0])


class _Held(keras.layers.Layer):  # type: ignore[misc]
    """u σ(u), whose second factor is held back."""

    def call(self, u: Any, back: bool = False) -> Any:
        gate = keras.ops.sigmoid(u)
        return u * (gate if back else keras.ops.stop_gradient(gate))


def test_a_part_that_is_held_back_is_said_to_be_so_on_purpose() -> None:
    model = keras.Sequential([keras.Input((4,)), Layers.Dense(5), _Held(), Layers.Dense(3)])
    with tf.GradientTape() as tape:
        z = model.layers[1](model.layers[0](X), back=True)
        e = tf.reduce_mean((model.layers[2](z) - REAL) ** 2)
    diff = check_gradients(model, X, REAL, tape.gradient(e, model.trainable_variables), loss="mse")
    assert diff.causes[0].id == "stop_gradient"
    assert "on purpose" in str(diff.causes[0])


def test_the_sigma_of_a_spectral_normalization_is_held_back() -> None:
    keras.utils.set_random_seed(2)
    model = keras.Sequential([keras.Input((4,)), Layers.SpectralNormalization(Layers.Dense(5)), Layers.Dense(3)])
    layer, last = model.layers
    held = [tf.convert_to_tensor(v.value) for v in (layer.kernel, layer.layer.bias, last.kernel, last.bias)]
    with tf.GradientTape() as tape:
        tape.watch(held)
        v = tf.math.l2_normalize(layer.vector_u.value @ tf.transpose(held[0]))
        u = tf.math.l2_normalize(v @ held[0])
        sigma = tf.stop_gradient(v) @ held[0] @ tf.transpose(tf.stop_gradient(u))
        e = tf.reduce_mean(((X @ (held[0] / sigma) + held[1]) @ held[2] + held[3] - REAL) ** 2)
    diff = check_gradients(model, X, REAL, tape.gradient(e, held), loss="mse")
    assert diff.causes[0].id == "stop_gradient", str(diff)
    assert "through the σ of spectral_normalization" in str(diff.causes[0])


@pytest.mark.slow
@ONE_KIND
def test_a_step_of_another_loss(kind: str) -> None:
    model, lr = _model(kind), 0.01
    before = model.get_weights()
    for delta, words in ((OTHER_LOSSES["log cosh"][0], "log cosh"), (lambda u: np.abs(u - REAL) ** 3, "")):
        after = [w - np.float32(lr) * g for w, g in zip(before, _by_hand(model, delta), strict=True)]
        step = {"before": before, "after": after, "learning_rate": lr, "loss": "mse"}
        diff = check_gradients(model, X, REAL, **step)
        assert diff.verdict is (Status.MISMATCH if words else Status.INCONCLUSIVE)  # it may have been another optimizer
        assert [c.id for c in diff.causes] == ["other_loss"] * bool(words), str(diff)
        assert not words or "log" in str(diff.causes[0])
        assert check_gradients(model, X, REAL, **step, optimizer="sgd").verdict is Status.MISMATCH


def test_an_own_compute_loss_keeps_its_e_but_not_its_activations() -> None:
    class Own(keras.Model):  # type: ignore[misc]
        def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, **_: Any) -> Any:
            return keras.ops.mean((y - y_pred) ** 4)

    plain = _model("functional")
    model = Own(plain.input, plain.output)
    model.compile("sgd")
    fourth: Delta = lambda u: 4 * (u - REAL) ** 3 / u.size  # noqa: E731
    _named(check_gradients(model, X, REAL, _by_hand(plain, fourth, "relu")), "other_activation", "relu at first")
    assert not check_gradients(model, X, REAL, _by_hand(plain, MSE)).causes


# a constant of all gradients that has a reason


@KINDS
@pytest.mark.parametrize("exponent", [5, 7, 15])
def test_a_loss_scale_that_was_left_in(kind: str, exponent: int) -> None:
    model = _model(kind)
    mine = _taped(model, lambda p: 2.0**exponent * tf.reduce_mean(tf.square(p - REAL)))
    _named(check_gradients(model, X, REAL, mine, loss="mse"), "loss_scale", f"2^{exponent}")
    near = [1.001 * a for a in mine]
    assert not check_gradients(model, X, REAL, near, loss="mse").causes


def test_a_batch_of_a_power_of_two_is_no_loss_scale() -> None:
    model, x = _model("functional"), RNG.normal(size=(32, 4)).astype("float32")
    y = np.zeros((32, 3), "float32")
    mine = _taped(model, lambda p: tf.reduce_sum(tf.reduce_mean(tf.square(p - y), -1)), x)
    assert [c.id for c in check_gradients(model, x, y, mine, loss="mse").causes] == ["missing_batch_mean"]


@pytest.mark.parametrize(
    ("axes", "words"),
    [
        ((1,), "a sum over axis 1 of the outputs (7, 5, 2), in place of the mean (5): 5 times"),
        ((1, 2), "a sum over axes 1, 2 of the outputs (7, 5, 2), in place of the mean (5 · 2): 10 times"),
        ((0, 1, 2), "70 times"),
    ],
)
def test_a_sum_over_an_axis_of_wider_outputs(axes: tuple[int, ...], words: str) -> None:
    model = keras.Sequential([keras.Input((5, 3)), Layers.Dense(2)])
    x, y = (RNG.normal(size=(7, 5, k)).astype("float32") for k in (3, 2))
    kept = [i for i in range(3) if i not in axes]

    def value(p: Any) -> Any:
        summed = tf.reduce_sum(tf.square(p - y), axes, keepdims=True)
        return tf.reduce_mean(summed) if kept else tf.reduce_sum(summed)

    _named(check_gradients(model, x, y, _taped(model, value, x), loss="mse"), "missing_output_mean", words)


# arrays whose order tells


@pytest.fixture
def looked_up() -> tuple[keras.Model, Array, Array]:
    keras.utils.set_random_seed(0)
    layers = [keras.Input((3,), dtype="int32"), Layers.Embedding(5, 2), Layers.Flatten(), Layers.Dense(1)]
    ids = np.array([[0, 1, 1], [2, 1, 0], [4, 4, 2], [3, 1, 1]], "int32")
    return keras.Sequential(layers), ids, np.arange(4, dtype="float32")[:, None]


def _last_wins(table: Array, ids: Array, d: Array) -> None:
    table[ids] += d


def _in_a_loop(table: Array, ids: Array, d: Array) -> None:
    for i, row in zip(ids, d, strict=True):
        table[i] += row


def _first_wins(table: Array, ids: Array, d: Array) -> None:
    table[ids.ravel()[::-1]] = d.reshape(-1, d.shape[-1])[::-1]


@pytest.mark.parametrize(
    ("added", "words"),
    [
        (_last_wins, "only its last occurrence"),
        (_first_wins, "only its first occurrence"),
        (_in_a_loop, "only one in each sample"),
        (np.add.at, ""),
    ],
)
def test_of_each_id_one_occurrence(added: Any, words: str, looked_up: tuple[keras.Model, Array, Array]) -> None:
    model, ids, y = looked_up
    table, kernel, bias = model.get_weights()
    h = table[ids].reshape(4, 6)
    d = 2 * (h @ kernel + bias - y) / 4
    mine = np.zeros_like(table)
    added(mine, ids, (d @ kernel.T).reshape(4, 3, 2))
    diff = check_gradients(model, ids, y, [mine, h.T @ d, d.sum(0)], loss="mse")
    if not words:
        assert diff.ok
    else:
        _named(diff, "occurrence_lost", words, "np.add.at")


@pytest.mark.parametrize(
    ("change", "name", "words"),
    [
        (lambda k: k[::-1, ::-1], "kernel_flipped", "flipped along axes 0, 1"),
        (lambda k: k.transpose(1, 0, 2, 3), "axes_exchanged", "np.transpose(…, (1, 0, 2, 3))"),
        *(
            pytest.param(*more, marks=pytest.mark.slow)
            for more in (
                (lambda k: k[:, ::-1], "kernel_flipped", "flipped along axis 1"),
                (lambda k: k.transpose(1, 0, 2, 3)[::-1], "axes_exchanged", "flipped along axis"),
            )
        ),
    ],
)
def test_the_axes_of_a_convolution_kernel(change: Callable[[Array], Array], name: str, words: str) -> None:
    keras.utils.set_random_seed(0)
    model = keras.Sequential([keras.Input((6, 6, 2)), Layers.Conv2D(4, 3), Layers.Flatten(), Layers.Dense(2)])
    x, y = RNG.normal(size=(5, 6, 6, 2)).astype("float32"), np.zeros((5, 2), "float32")
    mine = [g.numpy() for g in _taped(model, lambda p: tf.reduce_mean(tf.square(p - y)), x)]
    _named(check_gradients(model, x, y, [change(mine[0]), *mine[1:]], loss="mse"), name, words)
    off = [change(mine[0]) + 0.01 * mine[0].max(), *mine[1:]]
    assert name not in [c.id for c in check_gradients(model, x, y, off, loss="mse").causes]


def test_outputs_taken_for_probabilities_leave_nothing_else_to_name() -> None:
    """Next to a clipped probability σ is larger than any hand: no mistake of the derivation is met by that."""
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(6, 4)), np.eye(3)[[0, 1, 2, 0, 1, 1]]
    keras.utils.set_random_seed(1)
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3)])
    model.compile("sgd", "categorical_crossentropy")
    kernel, bias = (a.astype(float) for a in model.get_weights())
    delta = (_softmax(x @ kernel + bias) - y) / 6
    diff = check_gradients(model, x, y, [x.T @ delta, delta.sum(0)])
    assert [cause.id for cause in diff.causes] == ["from_logits"], str(diff)
