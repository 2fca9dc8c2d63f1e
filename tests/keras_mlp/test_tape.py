"""Backpropagation by the tape: what is read, that reading changes nothing, and what is refused."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status, compare
from keras_mlp import backpropagate, named_weights, parameters_of, to_keras, to_tensorflow
from keras_mlp.tape import evaluate_tape, recorded_activations, total_loss
from manual_mlp import MLP, Activation, Dense, Dropout, Evaluation, ShapeError, gradient_node

MODES = ["eager", "graph", "xla"]


def _plain(case: Any, model: keras.Model, compiled: bool = False) -> dict[str, Any]:
    """E and the gradients as a user of Keras computes them: nothing of ours but the loss."""
    loss = to_tensorflow(case.loss)
    x, y = tf.constant(case.x), tf.constant(case.y)

    def step() -> tuple[Any, list[Any]]:
        with tf.GradientTape() as tape:
            value = loss(y, model(x))
        return value, tape.gradient(value, model.trainable_weights)

    value, gradients = (tf.function(step) if compiled else step)()
    return {"loss": value.numpy(), **dict(zip(named_weights(model), [g.numpy() for g in gradients], strict=True))}


def _same_bits(tape: Evaluation, plain: dict[str, Any]) -> bool:
    found = {"loss": tape.nodes["loss"], **tape.gradients}
    return found.keys() == plain.keys() and all(found[n].tobytes() == plain[n].tobytes() for n in plain)


ENDINGS = [
    ("mean_squared_error", "linear"),
    ("half_sum_squared_error", "sigmoid"),
    ("binary_crossentropy", "sigmoid"),
    ("categorical_crossentropy", "softmax"),
    ("sparse_categorical_crossentropy", "softmax"),
]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("loss", "activation"), ENDINGS)
def test_reading_the_nodes_changes_no_bit_in_eager_mode(
    loss: str, activation: str, dtype: str, case: Callable[..., Any]
) -> None:
    c = case(loss, activation, dtype=dtype)
    assert _same_bits(backpropagate(c.model, c.x, c.y, c.loss), _plain(c, c.model))


@pytest.mark.parametrize(("loss", "activation"), ENDINGS)
def test_reading_the_nodes_changes_no_bit_in_float64_graph_mode(
    loss: str, activation: str, case: Callable[..., Any]
) -> None:
    c = case(loss, activation)
    instrumented = tf.function(_instrumented(c)).get_concrete_function()()
    tape = backpropagate(c.model, c.x, c.y, c.loss, "graph")
    plain = _plain(c, c.model, compiled=True)
    assert _same_bits(tape, plain)
    assert all(np.array_equal(instrumented[n].numpy(), plain[n]) for n in plain)


def _instrumented(case: Any) -> Callable[[], dict[str, Any]]:
    """The pass that reads nodes, written out again: activations recorded, u, z and their gradients returned."""
    model, loss = case.model, to_tensorflow(case.loss)
    x, y = tf.constant(case.x), tf.constant(case.y)

    def step() -> dict[str, Any]:
        with recorded_activations(model) as seen, tf.GradientTape() as tape:
            tape.watch(x)
            value = loss(y, model(x))
        weights = {n: v.value for n, v in named_weights(model).items()}
        sources = {**weights, **{f"dE_d {n}": t for n, t in seen.items()}}
        gradients = dict(zip(sources, tape.gradient(value, list(sources.values())), strict=True))
        return {"loss": value, **{n: g for n, g in gradients.items() if g is not None}}

    return step


def test_an_added_op_would_be_seen(case: Callable[..., Any]) -> None:
    """The test of the test: times 3, by 3, is no change but for its rounding."""
    c = case(dtype="float32")
    model = c.model
    function = model.layers[0].activation
    model.layers[0].activation = lambda u: function(u) * 3 / 3
    assert not _same_bits(backpropagate(c.model, c.x, c.y, c.loss), _plain(c, model))


@pytest.mark.parametrize("mode", MODES)
def test_every_node_of_the_ladder_is_read_in_order(mode: Any, case: Callable[..., Any]) -> None:
    c = case()
    tape = backpropagate(c.model, c.x, c.y, c.loss, mode)
    assert list(tape.nodes) == list(c.hand().nodes)
    assert {n: a.shape for n, a in tape.nodes.items()} == {n: a.shape for n, a in c.hand().nodes.items()}
    assert tape.origin == f"keras {keras.__version__} {mode}, in training, mean_squared_error, float64"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_every_node_has_the_dtype_of_the_model(mode: Any, dtype: str, case: Callable[..., Any]) -> None:
    c = case("binary_crossentropy", "sigmoid", dtype=dtype)
    tape = backpropagate(c.model, c.x, c.y, c.loss, mode)
    assert {a.dtype.name for a in tape.nodes.values()} == {dtype}
    assert tape.problem.dtype == dtype
    assert compare(c.hand(), tape).ok


@pytest.mark.parametrize("floatx", ["float32", "float64"])
def test_floatx_changes_nothing(floatx: str, case: Callable[..., Any]) -> None:
    c = case("categorical_crossentropy", "softmax")
    before = keras.config.floatx()
    keras.config.set_floatx(floatx)
    try:
        tape = backpropagate(c.model, c.x, c.y, c.loss)
    finally:
        keras.config.set_floatx(before)
    assert max(row.metrics.relative_l2 for row in compare(c.hand(), tape).rows if row.metrics) < 1e-15


def test_data_of_another_dtype_is_converted_to_the_models(case: Callable[..., Any]) -> None:
    c = case(dtype="float32")
    tape = backpropagate(c.model, c.x.astype(np.float64), c.y.tolist(), c.loss)
    assert tape.problem.x.dtype == tape.problem.y.dtype == np.float32


def test_in_eager_mode_all_nodes_are_of_one_pass(case: Callable[..., Any]) -> None:
    c = case()
    assert backpropagate(c.model, c.x, c.y, c.loss).other_pass == frozenset()
    compiled = backpropagate(c.model, c.x, c.y, c.loss, "graph")
    assert compiled.other_pass == {"loss", *(gradient_node(name) for name in c.parameters)}


def test_what_xla_shows_of_an_operand_is_not_what_it_was_computed_from(case: Callable[..., Any]) -> None:
    """A net whose flattened output was 19 times the rounding of a Flatten off from what XLA showed below it."""
    c = case()
    compiled = backpropagate(c.model, c.x, c.y, c.loss, "xla")
    assert compiled.other_pass == compiled.nodes.keys()
    assert all(row.isolated_reference is None for row in compare(c.hand(), compiled))


@pytest.mark.parametrize("mode", MODES)
def test_the_rerun_is_the_same_tape_in_float64(mode: Any, case: Callable[..., Any]) -> None:
    c = case("binary_crossentropy", "sigmoid", dtype="float32")
    again = backpropagate(c.model, c.x, c.y, c.loss, mode).rerun()
    assert {a.dtype.name for a in again.nodes.values()} == {"float64"}
    assert again.origin == f"keras {keras.__version__} {mode}, in training, binary_crossentropy, float64"
    assert compare(c.hand().rerun(), again).ok


def test_arrays_are_the_evaluations_own(case: Callable[..., Any]) -> None:
    c = case()
    model = c.model
    tape = backpropagate(model, c.x, c.y, c.loss)
    for array in [*tape.nodes.values(), *tape.problem.parameters.values()]:
        array[...] = 7  # writable, and nobody else's
    assert all(np.array_equal(held, c.parameters[n]) for n, held in parameters_of(model).items())


def test_a_layer_without_bias(case: Callable[..., Any]) -> None:
    c = case()
    mlp = MLP(3, [Dense(4, "tanh", use_bias=False), Dense(3)])
    bare = type(c)(mlp, mlp.initialize(0), c.x, c.y, c.loss)
    tape = backpropagate(bare.model, c.x, c.y, c.loss)
    assert "dense_1/dE_dbias" not in tape.nodes
    assert compare(bare.hand(), tape).ok


def test_activations_are_put_back(case: Callable[..., Any]) -> None:
    c = case()
    model = c.model
    before = [layer.activation for layer in model.layers]
    backpropagate(model, c.x, c.y, c.loss)
    assert [layer.activation for layer in model.layers] == before


def test_activations_are_recorded_only_within_and_put_back_after_an_exception(case: Callable[..., Any]) -> None:
    model = case().model
    before = [layer.activation for layer in model.layers]

    def fail_within() -> None:
        with recorded_activations(model):
            assert all(layer.activation is not f for layer, f in zip(model.layers, before, strict=True))
            raise KeyError

    with pytest.raises(KeyError):
        fail_within()
    assert [layer.activation for layer in model.layers] == before


def test_activations_are_put_back_when_the_loss_fails(
    case: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    c = case()
    model = c.model
    before = [layer.activation for layer in model.layers]

    def failing(*_: Any) -> Any:
        raise RuntimeError("no memory")

    monkeypatch.setattr("keras_mlp.tape.to_tensorflow", lambda _: failing)
    with pytest.raises(RuntimeError, match="no memory"):
        backpropagate(model, c.x, c.y, c.loss)
    assert [layer.activation for layer in model.layers] == before


def test_weights_that_change_during_the_pass_are_caught(
    case: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    c = case()
    model = c.model
    loss = to_tensorflow(c.loss)

    def meddling(y: Any, p: Any) -> Any:
        bias = named_weights(model)["dense_2/bias"]
        bias.assign(np.nextafter(bias.numpy(), 2))
        return loss(y, p)

    monkeypatch.setattr("keras_mlp.tape.to_tensorflow", lambda _: meddling)
    with pytest.raises(ValueError, match=r"do not share their weights: dense_2/bias differ"):
        backpropagate(model, c.x, c.y, c.loss)


def test_an_unknown_mode_is_refused(case: Callable[..., Any]) -> None:
    c = case()
    with pytest.raises(ValueError, match=r"^Unknown mode 'jit': expected eager, graph, xla\.$"):
        backpropagate(c.model, c.x, c.y, c.loss, "jit")


@pytest.mark.parametrize(
    ("x", "y", "text"),
    [
        (np.ones(3), np.ones((1, 3)), r"dense_1: x is 1-D, \(3,\), a single sample\. A batch of one is x\[None, :\]"),
        (np.ones((5, 2)), np.ones((5, 3)), r"dense_1: x has 2 features per sample"),
        (np.ones((5, 3)), np.ones(5), r"dense_2: mean_squared_error compares the output with y element by element"),
    ],
)
def test_shapes_are_checked_before_keras_sees_them(x: Any, y: Any, text: str, case: Callable[..., Any]) -> None:
    with pytest.raises(ShapeError, match=text):
        backpropagate(case().model, x, y, "mse")


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("loss", "activation", "as_if"),
    [
        ("binary_crossentropy", "softmax", "sigmoid"),
        ("categorical_crossentropy", "sigmoid", "softmax"),
        ("sparse_categorical_crossentropy", "sigmoid", "softmax"),
    ],
)
def test_keras_takes_any_softmax_or_sigmoid_for_the_one_that_the_loss_expects(
    loss: str, activation: str, as_if: str, mode: Any, case: Callable[..., Any]
) -> None:
    """Both activations leave their argument on their result as `_keras_logits`, and a cross-entropy does not ask
    which of the two it was: E is computed from it by the activation of the loss. That is another E than the one
    described, so it is refused."""
    c = case(loss, activation)
    in_keras = to_tensorflow(c.loss)(tf.constant(c.y), c.model(c.x))
    as_keras_reads_it = case(loss, as_if).hand().loss
    assert float(in_keras) == pytest.approx(as_keras_reads_it, rel=1e-14)
    assert as_keras_reads_it != pytest.approx(c.hand().loss, rel=1e-3)
    text = (
        f"dense_2: Keras does not compute {loss} from the {activation} of this layer: it takes the u below it and "
        f"applies {as_if} instead, so its E is not the one described. Give the layer activation={as_if!r}; or "
        "'linear', with from_logits=True."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        backpropagate(c.model, c.x, c.y, c.loss, mode)


def test_logits_that_are_none_are_refused_before_keras_warns(case: Callable[..., Any]) -> None:
    c = case("categorical_crossentropy", "softmax", from_logits=True)
    with pytest.raises(ValueError, match=r"expects logits, but the layer already applies softmax"):
        backpropagate(c.model, c.x, c.y, c.loss)  # and warnings are errors here


def test_a_step_has_no_derivative(case: Callable[..., Any]) -> None:
    c = case(activation="step")
    with pytest.raises(ValueError, match=r"dense_2: .*has no f′ for 'step'"):
        backpropagate(c.model, c.x, c.y, c.loss)


def test_a_wrong_derivation_is_noticed(case: Callable[..., Any]) -> None:
    """The test of the test: δ without f′."""
    c = case(activation="sigmoid")
    hand = c.hand()
    wrong = dict(hand.gradients)
    wrong["dense_2/bias"] = hand.nodes["dense_2/dE_dz"].sum(axis=0)
    diff = compare(wrong, backpropagate(c.model, c.x, c.y, c.loss))
    assert diff.verdict is Status.MISMATCH
    assert diff.culprit == "dense_2/dE_dbias"


# what Keras takes into a cross-entropy, asked of the tape

TAKEN_IN: dict[str, tuple[list[Any], bool]] = {
    "the activation of a layer": ([Dense(3, "softmax")], True),
    "an activation layer": ([Dense(3), Activation("softmax")], True),
    "an activation layer above dropout": ([Dense(3), Dropout(0.4), Activation("softmax")], True),
    "below the identity": ([Dense(3, "softmax"), Activation("linear")], True),
    "below dropout that drops nothing": ([Dense(3, "softmax"), Dropout(0.0)], True),
    "dropped in between": ([Dense(3, "softmax"), Dropout(0.2)], False),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("what", TAKEN_IN)
def test_the_hand_fuses_what_keras_fuses(what: str, mode: Any) -> None:
    layers, fused = TAKEN_IN[what]
    mlp = MLP(3, [Dense(4), Activation("tanh"), *layers])
    rng = np.random.default_rng(0)
    w, x, y = mlp.initialize(0), rng.normal(size=(5, 3)), np.eye(3)[rng.integers(0, 3, 5)]
    model = to_keras(mlp, w)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.rate:
            layer.seed_generator.state.assign(
                [3, 0] if mode == "xla" else [1, 0]
            )  # masks that leave something of each row
    tape = backpropagate(model, x, y, "categorical_crossentropy", mode)
    assert tape.problem.fused is fused is mlp.fuses("categorical_crossentropy")
    hand = mlp.backpropagate(w, x, y, "categorical_crossentropy", tape.problem.draws)
    diff = compare(hand, tape)
    assert diff.verdict is Status.MATCH, str(diff)
    assert list(tape.nodes) == list(hand.nodes)


def test_the_logits_of_another_activation_layer_are_refused() -> None:
    mlp = MLP(3, [Dense(2), Activation("sigmoid")])
    model = to_keras(mlp, mlp.initialize(0))
    with pytest.raises(ValueError, match="activation_1: Keras does not compute categorical_crossentropy"):
        backpropagate(model, np.ones((2, 3)), np.eye(2), "categorical_crossentropy")


def test_E_holds_what_regularizers_add() -> None:
    mlp = MLP(1, [Dense(1, use_bias=False, kernel_l2=0.1)])
    w = {"dense_1/kernel": np.array([[3.0]])}
    tape = backpropagate(to_keras(mlp, w), np.array([[1.0]]), np.array([[1.0]]), "mse")
    assert tape.loss == 4 + 0.1 * 9
    assert tape.gradients["dense_1/kernel"].item() == pytest.approx(2 * 2 + 0.2 * 3, rel=1e-15)


def test_the_origin_says_of_which_E_and_how_it_was_computed(case: Callable[..., Any]) -> None:
    c = case("categorical_crossentropy", "softmax", dtype="float32")
    head = f"keras {keras.__version__} graph, in inference,"
    tape = backpropagate(c.model, c.x, c.y, c.loss, "graph", training=False)
    assert tape.origin == f"{head} categorical_crossentropy, float32"
    loss = to_tensorflow(c.loss)
    named = evaluate_tape(c.model, tape.problem, loss, "graph", "the compiled loss mse")
    assert named.origin == f"{head} the compiled loss mse, float32"
    assert named.rerun is None


def test_a_layer_is_always_told_whether_it_is_in_training() -> None:
    told: list[Any] = []

    class Asking(keras.layers.Layer):  # type: ignore[misc]  # Keras is untyped
        def call(self, inputs: Any, training: Any = "not said") -> Any:
            told.append(training)
            return inputs

    model = keras.Sequential([keras.Input((1,)), Asking()])
    told.clear()
    x = tf.constant([[1.0]])
    for training in (True, False):
        total_loss(model, lambda y, p: tf.reduce_sum(p - y), x, x, training)
    assert told == [True, False]


def test_a_loss_of_two_arguments_does_where_there_are_no_weights() -> None:
    model, x = keras.Sequential([keras.Input((1,)), keras.layers.ReLU()]), tf.constant([[1.0], [5.0]])
    assert float(total_loss(model, lambda y, p: tf.reduce_sum(p), x, x, True)) == 6
    weighed = total_loss(model, lambda y, p, w=None: tf.reduce_sum(p[:, 0] * w), x, x, True, tf.constant([1.0, 2.0]))
    assert float(weighed) == 11


def test_every_decay_is_added() -> None:
    layers = [keras.layers.Dense(1, use_bias=False, kernel_regularizer=keras.regularizers.L2(f)) for f in (0.5, 0.25)]
    model, x = keras.Sequential([keras.Input((1,)), *layers]), tf.constant([[1.0]])
    for layer, weight in zip(layers, (2.0, 4.0), strict=True):
        layer.kernel.assign([[weight]])
    assert float(total_loss(model, lambda y, p: tf.reduce_sum(p), x, x, True)) == 2 * 4 + 0.5 * 4 + 0.25 * 16
