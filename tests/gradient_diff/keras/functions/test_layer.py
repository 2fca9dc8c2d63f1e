"""check_layer: Keras's own layers are right, wrong ones are named, and no layer is changed by being checked."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.judging.zeros import BY_STRUCTURE
from gradient_diff.keras import check_layer
from gradient_diff.keras.functions.layer import named_trainable
from keras_mlp.extend import layers_of, variables_of

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
X = RNG.normal(size=(4, 3))
STEPS = RNG.normal(size=(2, 3, 2))
L = keras.layers

LAYERS: dict[str, tuple[Any, Any, bool | None]] = {
    "Dense": (lambda: L.Dense(2, "tanh"), X, None),
    "Dense float64": (lambda: L.Dense(2, "tanh", dtype="float64"), X, None),
    "Dense mixed_float16": (lambda: L.Dense(2, "tanh", dtype="mixed_float16"), X, None),
    "Conv1D": (lambda: L.Conv1D(2, 2, activation="gelu"), STEPS, None),
    "LayerNormalization": (L.LayerNormalization, X, None),
    "BatchNormalization, training": (L.BatchNormalization, X, True),
    "BatchNormalization": (L.BatchNormalization, X, False),
    "Dropout": (lambda: L.Dropout(0.5, seed=1), X, True),
    "Embedding": (lambda: L.Embedding(4, 3), np.array([[0, 1], [2, 1]]), None),
    "LSTM": (lambda: L.LSTM(1), STEPS[:1], None),
    "GRU": (lambda: L.GRU(1), STEPS[:1], None),
    "MultiHeadAttention": (lambda: L.MultiHeadAttention(1, 1), (STEPS[:1, :, :1], STEPS[:1, :2, :1]), None),
    "Add": (L.Add, [X, 2 * X], None),
    "Lambda": (lambda: built(L.Lambda(lambda x: 0.1 * tf.sin(x))), X, None),
    # Keras rounds their constants to float32, in values and gradients alike
    "gelu": (lambda: L.Dense(2, "gelu"), X, None),
    "LeakyReLU": (lambda: L.LeakyReLU(0.3), X, None),
    "Rescaling": (lambda: L.Rescaling(1 / 255, offset=0.1), X, None),
}


def built(layer: Any) -> Any:
    """A Lambda cannot be made again from its config."""
    layer(X)
    return layer


OF_MANY_STEPS = ("LSTM", "GRU", "MultiHeadAttention")  # eager, op by op: seconds each


@pytest.mark.matrix(most=5)
@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n in OF_MANY_STEPS)) for n in LAYERS])
def test_keras_own_layers_are_right(name: str) -> None:
    make, inputs, training = LAYERS[name]
    diff = check_layer(make(), inputs, training=training)
    assert diff.verdict is Status.MATCH, str(diff)
    assert diff.ok
    by_structure = {row.name for row in diff.rows if row.reason == BY_STRUCTURE}
    assert by_structure <= {"weights/key/bias"}  # softmax does not see what is added to every key
    single = [row for row in diff.rows if row.dtype == "float32" and row.name not in by_structure]
    assert all("in float64" in row.reason for row in single)


@keras.saving.register_keras_serializable("test_layer_checks")
class Scaled(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """y = x W with a gradient of its own, right up to a map of dE/dW."""

    def __init__(self, mistake: str = "", **more: Any) -> None:
        super().__init__(**more)
        self.mistake = mistake

    def build(self, shape: Any) -> None:
        self.kernel = self.add_weight(shape=(shape[-1], shape[-1]), name="kernel")
        self.steps = self.add_weight(shape=(), name="steps", trainable=False, initializer="zeros")

    def call(self, x: Any) -> Any:
        self.steps.assign_add(1.0)
        changes = {"transposed": tf.transpose, "sign": tf.negative}

        @tf.custom_gradient
        def product(x: Any, w: Any) -> Any:
            def grad(u: Any) -> Any:
                return u @ tf.transpose(w), changes.get(self.mistake, tf.identity)(tf.transpose(x) @ u)

            return x @ w, grad

        return product(x, tf.convert_to_tensor(self.kernel))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mistake": self.mistake}


@pytest.mark.parametrize("mistake", ["transposed", "sign"])
def test_a_mistake_in_a_layer_is_named(mistake: str) -> None:
    diff = check_layer(Scaled(mistake), X)
    assert (diff.verdict, diff.culprit) == (Status.MISMATCH, "weights/kernel")
    assert diff.causes[0].id == mistake
    assert check_layer(Scaled(), X).ok


class Remembers(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Keeps what it saw, and borrows a layer."""

    def __init__(self, borrowed: Any) -> None:
        super().__init__()
        self.borrowed, self.fails = [borrowed], ""

    def call(self, x: Any) -> Any:
        self.last = self.borrowed[0](x)
        self.add_loss(tf.reduce_sum(self.last))
        if self.fails in (x.dtype.name, "gradient"):

            @tf.custom_gradient
            def f(x: Any) -> Any:
                def grad(_: Any) -> Any:
                    raise RuntimeError("no gradient")

                return x, grad

            return f(self.last)
        return self.last


def held(layer: Any) -> tuple[list[Any], list[Any]]:
    """All that a check might change of a layer, itself or by its bytes; and what has to live on to be compared."""
    inner = [a for z in layers_of(layer) for n, a in sorted(vars(z).items()) if n != "_losses"]
    variables = variables_of(layer)
    alive = [*inner, *layer.losses, *(v.value for v in variables)]
    values = [(str(v.dtype), v.numpy().tobytes()) for v in variables]
    return [*map(id, alive), *values, keras.config.floatx(), keras.config.dtype_policy().name], alive


LEFT: dict[str, tuple[Any, Any]] = {
    "of one's own": (Scaled, X),
    "statistics": (L.BatchNormalization, X),
    "a seed": (lambda: L.Dropout(0.5, seed=3), X),
    "states": (lambda: L.SimpleRNN(2, stateful=True, dropout=0.2), STEPS[:1]),
    "losses": (lambda: L.Dense(2, activity_regularizer="l2"), X),
    "what it keeps": (lambda: Remembers(L.Dense(3, "tanh")), X),
    "a Sequential": (lambda: keras.Sequential([L.Dense(2, activity_regularizer="l2"), L.Dropout(0.2)]), X),
}


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("mode", ["eager", "graph"])
@pytest.mark.parametrize("name", LEFT)
def test_a_built_layer_is_left_as_it_was(name: str, mode: Any) -> None:
    layer, inputs = LEFT[name][0](), LEFT[name][1]
    layer(inputs)
    before, _alive = held(layer)
    assert check_layer(layer, inputs, training=True, mode=mode).ok
    assert held(layer)[0] == before


@pytest.mark.parametrize("fails", ["gradient", "float64"])
def test_a_layer_is_left_as_it_was_also_where_it_fails(fails: str) -> None:
    layer = Remembers(L.Dense(3, "tanh"))
    layer(X)
    layer.fails = fails
    before, _alive = held(layer)
    if fails == "gradient":
        with pytest.raises(ValueError, match="no gradient"):
            check_layer(layer, X)
    else:  # in float64 alone: there it is not asked
        assert check_layer(layer, X).reference_origin.endswith("in float32")
    assert held(layer)[0] == before


def test_what_is_held_sees_each_change() -> None:
    for name, (make, inputs) in LEFT.items():
        layer = make()
        layer(inputs)
        before, _alive = held(layer)
        layer(inputs, training=True) if name != "what it keeps" else layer(inputs)
        assert held(layer)[0] != before, name


def test_borrowed_layers_and_layers_without_config_are_judged_in_float64() -> None:
    for layer in (Remembers(L.Dense(3, "tanh")), Remembers(keras.Sequential([L.Dense(2), L.LeakyReLU(0.3)]))):
        layer(X)
        diff = check_layer(layer, X)
        assert {row.status for row in diff.rows} == {Status.MATCH}, str(diff)
        assert diff.reference_origin.endswith("in float64")


class AsGraph(keras.Model):  # type: ignore[misc]  # Keras has no types
    """Its call is a tf.function, which keeps graphs of the variables it has seen."""

    def __init__(self) -> None:
        super().__init__()
        self.inner = L.Dense(2, "tanh")
        self.inner.build((None, 3))

    @tf.function
    def call(self, x: Any) -> Any:
        return self.inner(x)


@pytest.mark.parametrize("mode", ["eager", "graph"])
def test_a_call_that_is_a_graph_is_judged_in_float64_again_and_again(mode: Any) -> None:
    layer = AsGraph()
    layer(X)
    for _ in range(2):
        diff = check_layer(layer, X, mode=mode)
        assert {row.status for row in diff.rows} == {Status.MATCH}, str(diff)
        assert diff.reference_origin.endswith("in float64")
    assert "call" not in vars(layer)


def test_a_layer_that_was_not_built_stays_so_and_the_check_repeats() -> None:
    layer = L.Dense(2)
    first, second = (check_layer(layer, X) for _ in range(2))
    assert not layer.built
    assert keras.config.dtype_policy().name == "float32"
    assert np.array_equal(first.hand["weights/kernel"], second.hand["weights/kernel"])


def test_a_layer_without_config_is_judged_once_it_is_built() -> None:
    class Odd(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def __init__(self, function: Any) -> None:
            super().__init__()
            self.function = function

        def call(self, x: Any) -> Any:
            return self.function(x)

        def get_config(self) -> dict[str, Any]:
            raise NotImplementedError("no config")

    with pytest.raises(TypeError, match="or build the layer before the check"):
        check_layer(Odd(tf.sin), X)
    layer = Odd(tf.sin)
    layer(X)
    diff = check_layer(layer, X)
    assert diff.verdict is Status.MATCH
    assert diff.reference_origin.endswith("in float64")


def test_what_is_no_layer() -> None:
    with pytest.raises(TypeError, match="For a function: check_function"):
        check_layer(tf.sin, X)


def test_nan_is_said_and_nobody_is_blamed() -> None:
    for shape in ((4, 3), (8, 4)):
        with pytest.raises(ValueError, match=r"inputs/inputs holds NaN: .* give dense"):
            check_layer(L.Dense(3), np.full(shape, np.nan))
    layer = L.Dense(2)
    layer.build((None, 3))
    layer.kernel.assign(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="weights/kernel holds NaN"):
        check_layer(layer, X)


# training


class Doubled(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Twice its inputs in training, which is what it takes where nobody says."""

    def call(self, x: Any, training: bool = True) -> Any:
        return 2.0 * x if training else 3.0 * x


@keras.saving.register_keras_serializable("test_layer_checks")
class Around(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    """Its own call takes no `training`."""

    def __init__(self, **more: Any) -> None:
        super().__init__(**more)
        self.inner = Doubled()

    def call(self, x: Any) -> Any:
        return self.inner(x)


def functional() -> Any:
    x = keras.Input((3,))
    return keras.Model(x, Doubled()(x))


@pytest.mark.parametrize("training", [None, True, False])
@pytest.mark.parametrize(
    ("make", "inputs"),
    [
        (Doubled, X),
        (Around, X),
        (functional, X),
        (lambda: keras.Sequential([Doubled()]), X),
        (lambda: L.TimeDistributed(Doubled()), STEPS),
    ],
)
def test_training_reaches_every_layer_and_is_said(make: Any, inputs: Any, training: bool | None) -> None:
    layer = make()
    layer(inputs)
    diff = check_layer(layer, inputs, training=training)
    assert diff.verdict is Status.MATCH
    outputs = {True: 2.0, False: 3.0}[training is not False]
    gradient = np.abs(diff.hand["inputs/" + ("x" if make in (Doubled, Around) else "inputs")])
    if gradient.shape == inputs.shape:  # a small array is asked entry by entry
        assert (gradient >= outputs / 2).all()
        assert (gradient <= outputs * 3 / 2).all()
    said = "in inference" if training is False else "in training"
    assert said in diff.title
    assert said in diff.hand_origin


def test_what_training_may_be() -> None:
    for odd in ("yes", 1, np.ones(2)):
        with pytest.raises(TypeError, match="expected True, False, or None for True"):
            check_layer(L.Dense(2), X, training=odd)  # type: ignore[arg-type]


# draws and states


def with_dropout_inside() -> Any:
    x = keras.Input((3,))
    return keras.Model(x, L.Dense(2)(L.Dropout(0.5, seed=1)(x)))


class ByNumPy(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    def call(self, x: Any) -> Any:
        return x * np.random.uniform(0.5, 1.5)  # noqa: NPY002  (as layers do that augment images)


DRAWN: dict[str, tuple[Any, Any]] = {
    "GaussianNoise": (lambda: L.GaussianNoise(0.5, seed=1), X),
    "GaussianNoise float64": (lambda: L.GaussianNoise(0.5, seed=1, dtype="float64"), X),
    "GaussianDropout": (lambda: L.GaussianDropout(0.5, seed=1), X),
    "AlphaDropout": (lambda: L.AlphaDropout(0.5, seed=1), X),
    "SpatialDropout1D": (lambda: L.SpatialDropout1D(0.5, seed=1), STEPS),
    "TimeDistributed": (lambda: L.TimeDistributed(L.Dropout(0.5, seed=1)), STEPS),
    "Functional": (with_dropout_inside, X[:1]),
    "by NumPy": (ByNumPy, X),
}


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("name", DRAWN)
def test_a_layer_that_draws_is_right_and_the_check_repeats(name: str) -> None:
    make, inputs = DRAWN[name]
    layer = make()
    layer(inputs)
    first, second = (check_layer(layer, inputs, training=training) for training in (None, True))
    assert {row.status for row in first.rows} == {Status.MATCH}, str(first)
    assert first.reference_origin.endswith("in float64")
    assert all(np.array_equal(first.hand[n], second.hand[n]) for n in first.hand)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "several"),
    [
        (lambda: L.SimpleRNN(4, dropout=0.2, recurrent_dropout=0.3, seed=1), False),
        (lambda: L.GRU(1, recurrent_dropout=0.5, seed=1), False),
        (lambda: L.Bidirectional(L.LSTM(1, dropout=0.1, seed=1)), False),
        (lambda: L.MultiHeadAttention(1, 2, dropout=0.3, seed=1), True),
    ],
)
def test_layers_of_many_steps_that_draw_are_right(make: Any, several: bool) -> None:
    diff = check_layer(make(), (STEPS[:1], STEPS[:1]) if several else STEPS[:1])
    assert {row.status for row in diff.rows if row.name != "weights/key/bias"} == {Status.MATCH}, str(diff)
    assert diff.reference_origin.endswith("in float64")


def test_xla_draws_by_its_own_generator_and_so_do_the_values() -> None:
    diff = check_layer(L.Dropout(0.5, seed=1), X, mode="xla")
    assert diff.verdict is Status.MATCH
    assert diff.reference_origin.endswith("in float64")


def test_a_graph_of_a_layers_own_that_knows_other_variables_blames_nobody() -> None:
    class Keeps(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def build(self, shape: Any) -> None:
            self.kernel = self.add_weight(shape=(shape[-1], 2))
            self.product = tf.function(lambda x: x @ tf.convert_to_tensor(self.kernel))

        def call(self, x: Any) -> Any:
            return self.product(x)

    layer = Keeps()
    layer(X)
    for dtype in ("float64", "float32"):  # the second time it multiplies by what was copied the first time
        diff = check_layer(layer, X)
        assert {row.status for row in diff.rows} == {Status.MATCH}, str(diff)
        assert diff.reference_origin.endswith(f"in {dtype}")


def test_a_small_mistake_below_a_draw_is_seen() -> None:
    class Off(keras.layers.Dropout):  # type: ignore[misc]  # Keras has no types
        factor = 1.0

        def call(self, x: Any, training: bool = False) -> Any:
            factor = self.factor

            @tf.custom_gradient
            def same(x: Any) -> Any:
                return tf.identity(x), lambda u: u * tf.cast(factor, u.dtype)

            return super().call(same(x), training=training)

    layer = Off(0.5, seed=1)
    layer(X)
    assert check_layer(layer, X).ok
    layer.factor = 1.0001  # far below what float32's values tell
    diff = check_layer(layer, X)
    assert diff.verdict is Status.MISMATCH
    assert "in float64" in diff.rows[0].reason


def test_the_states_of_a_recurrent_layer_are_put_back() -> None:
    layer = L.SimpleRNN(2, stateful=True)
    layer(STEPS)
    before = [np.array(s.numpy()) for s in layer.states]
    assert np.any(before[0])
    assert check_layer(layer, STEPS).verdict is Status.MATCH
    assert all(np.array_equal(s.numpy(), a) for s, a in zip(layer.states, before, strict=True))


def test_a_layer_that_is_another_function_in_float64_is_not_asked_there() -> None:
    class Other(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        factor = 2.0

        def call(self, x: Any) -> Any:
            return x * (self.factor if x.dtype == tf.float64 else 3.0)

    layer = Other()
    layer(X)
    diff = check_layer(layer, X)
    assert diff.verdict is Status.MATCH
    assert diff.reference_origin.endswith("in float32")
    layer.factor = 3.0
    assert check_layer(layer, X).reference_origin.endswith("in float64")


def test_what_draws_without_a_seed_that_can_be_put_back_is_open() -> None:
    class Loose(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def call(self, x: Any) -> Any:
            return x * tf.random.uniform(tf.shape(x), dtype=x.dtype)

    diff = check_layer(Loose(), X)
    assert diff.verdict is Status.INCONCLUSIVE
    assert "Freeze the seed" in diff.rows[0].reason


# whole numbers


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_token_numbers_have_no_row_and_are_named(mode: Any) -> None:
    diff = check_layer(L.Embedding(4, 3), np.array([[0, 1], [2, 1]]), mode=mode)
    assert [(row.name, row.status) for row in diff.rows] == [("weights/embeddings", Status.MATCH)]
    assert diff.hand["weights/embeddings"].shape == (4, 3)
    assert diff.remark == "Not checked: inputs/inputs (int64 has no derivative)."


# what cannot be called


class Fails(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    def call(self, x: Any) -> Any:
        raise RuntimeError("my own\nand more")


class Half(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
    def __init__(self) -> None:
        pass


def dense() -> Any:
    layer = L.Dense(2)
    layer.build((None, 3))
    return layer


@pytest.mark.parametrize(
    ("make", "inputs", "kind", "text"),
    [
        (dense, np.ones((4, 5)), ValueError, r"expected axis -1 .* value 3.*inputs= gave it float32 \(4, 5\)\.$"),
        (dense, np.ones(3), ValueError, r"in training fails on these inputs: .*expected min_ndim=2, found ndim=1"),
        (dense, None, ValueError, r"should be tensors\. Got 'None'.*gave it NoneType"),
        (dense, [], ValueError, r"it received 0 input tensors.*gave it \[\]"),
        (dense, "abc", ValueError, r"gave it str\.$"),
        (dense, (X, X), TypeError, r"cannot be called with these inputs: too many positional"),
        (dense, [X, X], ValueError, r"received 2 input.*gave it \[float32 \(4, 3\), float32 \(4, 3\)\]"),
        (dense, np.array([None, 1.0]), TypeError, "inputs/inputs is object: no tensor can hold it"),
        (lambda: L.Conv2D(2, 2), X, ValueError, "expected min_ndim=4, found ndim=2"),
        (L.Add, X, ValueError, "should be called on a list of inputs"),
        (lambda: L.Embedding(3, 2), np.array([[5]]), ValueError, r"indices\[0,0\] = 5 is not in \[0, 3\)"),
        (Fails, X, ValueError, r"fails on these inputs: RuntimeError: my own\. inputs="),
        (Half, X, TypeError, r"Half is no whole layer yet: call super\(\)\.__init__\(\)"),
    ],
)
def test_what_a_layer_does_not_take_is_told(make: Any, inputs: Any, kind: type[Exception], text: str) -> None:
    with pytest.raises(kind, match=text) as raised:
        check_layer(make(), inputs)
    assert type(raised.value) is kind


def test_equal_weight_names_are_counted() -> None:
    class Two(keras.layers.Layer):  # type: ignore[misc]  # Keras has no types
        def build(self, _: Any) -> None:
            self.a, self.b = self.add_weight(shape=(2,), name="w"), self.add_weight(shape=(2,), name="w")

    layer = Two()
    layer.build((None, 2))
    assert list(named_trainable(layer)) == ["weights/w", "weights/w_1"]
