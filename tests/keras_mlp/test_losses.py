"""Every loss of the house, on every activation, derived by hand and by the tape."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status, compare
from keras_mlp import backpropagate, parameters_of, to_tensorflow
from manual_mlp import LOSSES, Loss
from manual_mlp.extend import ALIASES

SQUARED = ["half_sum_squared_error", "sum_squared_error", "quadratic_cost", "mean_squared_error"]
CROSS_ENTROPIES = [name for name, f in LOSSES.items() if f.logits is not None]
OTHERS = [name for name in LOSSES if name not in (*SQUARED, *CROSS_ENTROPIES)]
ACTIVATIONS = ["linear", "sigmoid", "tanh", "relu", "softmax"]
MODES = ["eager", "graph", "xla"]

FUSED = {(name, str(LOSSES[name].fused_activation)) for name in CROSS_ENTROPIES}
# Keras takes what it finds below a softmax or a sigmoid for the logits of any cross-entropy: see test_tape.
SATURATING = {"sigmoid", "softmax"}
ENDINGS = [
    *((name, False, activation) for name in SQUARED for activation in ACTIVATIONS),
    *((name, False, a) for name in CROSS_ENTROPIES for a in ACTIVATIONS if a not in SATURATING or (name, a) in FUSED),
    *((name, True, a) for name in CROSS_ENTROPIES for a in ACTIVATIONS if a not in SATURATING),
    *((name, False, "softplus") for name in OTHERS),
    *((name, False, "softmax") for name in OTHERS),
]


def usual(name: str) -> str:
    """An output activation that goes with a loss."""
    above_0 = "softplus" if LOSSES[name].targets == "positive" else "linear"
    return LOSSES[name].fused_activation or above_0


def test_these_are_all_losses() -> None:
    assert {name for name, _, _ in ENDINGS} == set(LOSSES)


@pytest.mark.matrix(most=42)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "from_logits", "activation"), ENDINGS)
def test_the_tape_agrees_with_the_derivation(
    name: str, from_logits: bool, activation: str, mode: Any, case: Callable[..., Any]
) -> None:
    c = case(name, activation, from_logits=from_logits)
    tape, hand = backpropagate(c.model, c.x, c.y, c.loss, mode), c.hand()
    assert list(tape.nodes) == list(hand.nodes)
    diff = compare(hand, tape)
    assert diff.verdict is Status.MATCH, str(diff)
    # Float64 all the way: were any tensor float32 on its way, this would be 1e-8.
    assert max(row.metrics.relative_l2 for row in diff.rows if row.metrics) < 1e-14


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "activation"), sorted(FUSED))
def test_where_keras_fuses_the_tape_has_no_dE_dz(
    name: str, activation: str, mode: Any, case: Callable[..., Any]
) -> None:
    """In float64 too: Keras's loss functions keep the logits that a loss object loses by its cast to floatx()."""
    c = case(name, activation)
    tape = backpropagate(c.model, c.x, c.y, c.loss, mode)
    assert tape.problem.fused
    assert "dense_2/dE_dz" not in tape.nodes
    assert {"dense_2/dE_du", "dense_1/dE_dz"} <= tape.nodes.keys()


@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_from_logits_nothing_is_fused(name: str, case: Callable[..., Any]) -> None:
    c = case(name, "linear", from_logits=True)
    tape = backpropagate(c.model, c.x, c.y, c.loss)
    assert not tape.problem.fused
    assert "dense_2/dE_dz" in tape.nodes


@pytest.mark.parametrize("name", LOSSES)
def test_a_scale_multiplies_E_and_every_gradient(name: str, case: Callable[..., Any]) -> None:
    activation = usual(name)
    once, scaled = case(name, activation), case(name, activation, scale=0.25)
    plain, quarter = (backpropagate(c.model, c.x, c.y, c.loss) for c in (once, scaled))
    assert quarter.loss == 0.25 * plain.loss  # a power of two rounds nothing
    assert all(np.array_equal(quarter.gradients[n], 0.25 * g) for n, g in plain.gradients.items())
    assert compare(scaled.hand(), quarter).ok


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_E_keeps_the_dtype_of_the_output(name: str, dtype: str) -> None:
    y = tf.constant([0, 1]) if LOSSES[name].class_indices else tf.constant([[1, 0], [0, 1]], dtype)
    assert to_tensorflow(Loss(name))(y, tf.constant([[0.25, 0.75], [0.5, 0.5]], dtype)).dtype == dtype


# Where Keras has the loss, ours is Keras's object with its default reduction.
IN_KERAS = ["mean_squared_error", *CROSS_ENTROPIES, *OTHERS]


def object_of_keras(name: str) -> type[keras.losses.Loss]:
    kind = next(
        k for k, known in ALIASES.items() if known == name and issubclass(getattr(keras.losses, k, int), keras.Loss)
    )
    return getattr(keras.losses, kind)


@pytest.mark.parametrize("name", IN_KERAS)
def test_E_is_what_the_loss_object_of_keras_gives(name: str, case: Callable[..., Any]) -> None:
    c = case(name, "softmax")
    p = c.model(c.x)
    expected = object_of_keras(name)(dtype="float64")(c.y, p.numpy())
    found = to_tensorflow(c.loss)(tf.constant(c.y), tf.constant(p.numpy()))
    assert float(found) == pytest.approx(float(expected), rel=1e-14, abs=2e-9 * (name == "log_cosh"))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("half_sum_squared_error", 7.5),
        ("sum_squared_error", 15.0),
        ("quadratic_cost", 3.75),
        ("mean_squared_error", 3.75),
    ],
)
def test_the_squared_errors_by_hand(name: str, expected: float) -> None:
    """Differences 1, 1, 2, 3 over N = 2 samples of K = 2: their squares sum to 15."""
    y, p = tf.zeros((2, 2), tf.float64), tf.constant([[1, 1], [2, 3]], tf.float64)
    assert float(to_tensorflow(Loss(name))(y, p)) == expected


@pytest.mark.parametrize("shape", [(5,), (5, 1)])
@pytest.mark.parametrize("dtype", ["int64", "int32", "uint8"])
def test_labels_of_any_integer_type_and_as_a_column(
    shape: tuple[int, ...], dtype: str, case: Callable[..., Any]
) -> None:
    c = case("sparse_categorical_crossentropy", "softmax")
    labels = c.y.astype(dtype).reshape(shape)
    assert backpropagate(c.model, c.x, labels, c.loss).loss == backpropagate(c.model, c.x, c.y, c.loss).loss


def test_sparse_labels_are_one_hot_targets(case: Callable[..., Any]) -> None:
    sparse = case("sparse_categorical_crossentropy", "softmax")
    tape = backpropagate(sparse.model, sparse.x, sparse.y, sparse.loss)
    dense = backpropagate(sparse.model, sparse.x, np.eye(3)[sparse.y], "categorical_crossentropy")
    assert compare(tape.gradients, dense.gradients, rtol=1e-14).ok


@pytest.mark.parametrize("activation", ["linear", "relu", "tanh"])
@pytest.mark.parametrize("name", CROSS_ENTROPIES)
def test_where_keras_clips_the_derivation_clips(name: str, activation: str, case: Callable[..., Any]) -> None:
    """Outputs far below 0 and above 1 lie outside [ε, 1 − ε], where no gradient passes."""
    c = case(name, activation)
    wide = {n: 20 * w for n, w in c.parameters.items()}
    model = c.model
    model.set_weights(list(wide.values()))
    tape, hand = backpropagate(model, c.x, c.y, c.loss), c.mlp.backpropagate(wide, c.x, c.y, c.loss)
    assert (hand.nodes["dense_2/dE_dz"] == 0).any()
    assert compare(hand, tape).verdict in (Status.MATCH, Status.VACUOUS)


# weights of the samples

USUAL = [
    *((name, False, usual(name)) for name in LOSSES),
    *((name, True, "linear") for name in CROSS_ENTROPIES),
]
CLIPPED = [(name, False, "tanh") for name in CROSS_ENTROPIES]


@pytest.mark.matrix(most=32)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize(("name", "from_logits", "activation"), [*USUAL, *CLIPPED])
def test_weighed_samples_agree_fused_or_not(
    name: str, from_logits: bool, activation: str, dtype: str, mode: Any, case: Callable[..., Any]
) -> None:
    c = case(name, activation, from_logits=from_logits, dtype=dtype)
    tape = backpropagate(c.model, c.x, c.y, c.loss, mode, sample_weight=c.weights)
    hand = c.hand(c.weights)
    assert list(tape.nodes) == list(hand.nodes)
    diff = compare(hand, tape)
    assert diff.verdict is Status.MATCH, str(diff)


@pytest.mark.parametrize(("name", "from_logits", "activation"), USUAL)
def test_weights_that_are_forgotten_or_divided_by_their_sum_are_a_mismatch(
    name: str, from_logits: bool, activation: str, case: Callable[..., Any]
) -> None:
    """The test of the test: all gradients off by N/Σw, or those of unweighed samples."""
    c = case(name, activation, from_logits=from_logits, dtype="float32")
    tape = backpropagate(c.model, c.x, c.y, c.loss, sample_weight=c.weights)
    right, share = c.hand(c.weights).gradients, np.float32(5 / c.weights.sum())
    assert compare(dict(right), tape).verdict is Status.MATCH
    assert compare(dict(c.hand().gradients), tape).verdict is Status.MISMATCH
    assert compare({n: share * g for n, g in right.items()}, tape).verdict is Status.MISMATCH


@pytest.mark.parametrize("name", IN_KERAS)
def test_weighed_E_is_what_the_loss_object_of_keras_gives(name: str, case: Callable[..., Any]) -> None:
    c = case(name, "softmax")
    p = c.model(c.x).numpy()
    expected = object_of_keras(name)(dtype="float64")(c.y, p, sample_weight=c.weights)
    found = to_tensorflow(c.loss)(tf.constant(c.y), tf.constant(p), tf.constant(c.weights))
    assert float(found) == pytest.approx(float(expected), rel=1e-14, abs=2e-9 * (name == "log_cosh"))


@pytest.mark.matrix(most=12)
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", LOSSES)
def test_weights_of_one_are_no_weights(name: str, mode: Any, case: Callable[..., Any]) -> None:
    c = case(name, usual(name), dtype="float32")
    plain = backpropagate(c.model, c.x, c.y, c.loss, mode)
    ones = backpropagate(c.model, c.x, c.y, c.loss, mode, sample_weight=np.ones(5))
    if mode == "eager":
        assert all(ones.nodes[n].tobytes() == a.tobytes() for n, a in plain.nodes.items())
    assert compare(dict(ones.gradients), plain).ok


@pytest.mark.parametrize("name", IN_KERAS)
def test_the_step_of_a_compiled_model_is_the_weighed_gradient(name: str, case: Callable[..., Any]) -> None:
    """A witness that shares no line with ours: SGD of rate 1 in `train_on_batch`, in float32."""
    c = case(name, usual(name), dtype="float32")
    tape, model = backpropagate(c.model, c.x, c.y, c.loss, sample_weight=c.weights), c.model
    model.compile(keras.optimizers.SGD(1.0), name)
    loss = model.train_on_batch(c.x, c.y, sample_weight=c.weights)
    assert tape.loss == pytest.approx(float(loss), rel=1e-5)
    for n, after in parameters_of(model).items():
        np.testing.assert_allclose(c.parameters[n] - after, tape.gradients[n], rtol=1e-4, atol=1e-6)
    assert not np.allclose(c.hand().gradients["dense_1/kernel"], tape.gradients["dense_1/kernel"], rtol=1e-2)
