"""to_keras, from_keras, and the proof that both sides hold the same weights."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pytest

from keras_mlp import backpropagate, from_keras, named_weights, parameters_of, prove_same_weights, to_keras
from keras_mlp.extend import layer_weights, refuse_unreadable
from manual_mlp import ACTIVATIONS as KNOWN
from manual_mlp import MLP, Activation, Dense, Dropout

CLASSIC = ["linear", "step", "sigmoid", "tanh", "relu", "softmax"]


@pytest.fixture
def mlp() -> MLP:
    return MLP(3, [Dense(4, "tanh"), Dense(2, use_bias=False), Dense(2, "softmax")])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_are_equal_bit_for_bit(mlp: MLP, dtype: str) -> None:
    w = mlp.initialize(0, "glorot_uniform", "normal(0.5)", dtype)
    held = parameters_of(to_keras(mlp, w, dtype))
    assert list(held) == list(w)
    assert all(held[n].dtype == dtype and held[n].tobytes() == w[n].tobytes() for n in w)


def test_minus_zero_and_the_smallest_numbers_survive() -> None:
    mlp = MLP(1, [Dense(3, use_bias=False)])
    w = {"dense_1/kernel": np.array([[-0.0, 5e-324, 1 + 2.0**-52]])}
    assert parameters_of(to_keras(mlp, w))["dense_1/kernel"].tobytes() == w["dense_1/kernel"].tobytes()


def test_the_twin_is_built_and_carries_our_names(mlp: MLP) -> None:
    for _ in range(2):  # Keras alone would count names on from the first model
        model = to_keras(mlp, mlp.initialize(0))
        assert model.built
        assert [layer.name for layer in model.layers] == ["dense_1", "dense_2", "dense_3"]
    assert [name for name in named_weights(model) if name.endswith("kernel")] == [
        f"dense_{i}/kernel" for i in (1, 2, 3)
    ]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_weights_and_arithmetic_have_the_dtype_that_was_asked_for(mlp: MLP, dtype: str) -> None:
    """Whatever floatx() says."""
    model = to_keras(mlp, mlp.initialize(0, dtype=dtype), dtype)
    x = np.ones((2, 3), dtype)
    assert {weight.dtype for weight in model.weights} == {dtype}
    assert {layer.compute_dtype for layer in model.layers} == {dtype}
    assert model(x).dtype.name == dtype


def test_the_forward_pass_agrees_to_rounding(mlp: MLP) -> None:
    w, x = mlp.initialize(0), np.random.default_rng(0).normal(size=(5, 3))
    difference = np.abs(to_keras(mlp, w)(x).numpy() - mlp.predict(w, x))
    assert difference.max() <= 8 * 2.0**-53  # probabilities, at most 1, after three products of at most 4 terms


def test_the_step_runs_forward_in_keras_too() -> None:
    mlp = MLP(2, [Dense(1, "step")])
    w = {"dense_1/kernel": np.array([[-2.0], [-2.0]]), "dense_1/bias": np.array([3.0])}
    x = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    assert to_keras(mlp, w)(x).numpy().tolist() == [[1.0], [1.0], [1.0], [0.0]]  # NAND


def test_a_dtype_that_cannot_hold_the_weights_is_refused() -> None:
    mlp = MLP(1, [Dense(1), Dense(1)])
    w = mlp.initialize(0)
    text = (
        "to_keras(dtype='float32'): dense_1/kernel, dense_2/kernel cannot be held exactly in float32. Round the "
        "parameters first, for both sides: {name: array.astype('float32') for name, array in parameters.items()}."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        to_keras(mlp, w, "float32")


def test_float64_weights_that_float32_holds_are_taken() -> None:
    mlp = MLP(1, [Dense(1)])
    w = {"dense_1/kernel": np.array([[0.5]]), "dense_1/bias": np.array([0.25])}
    assert parameters_of(to_keras(mlp, w, "float32"))["dense_1/kernel"].dtype == np.float32


def test_parameters_of_another_network_are_refused(mlp: MLP) -> None:
    w = mlp.initialize(0)
    with pytest.raises(ValueError, match=r"missing +dense_3/bias"):
        to_keras(mlp, {n: a for n, a in w.items() if n != "dense_3/bias"})


@pytest.mark.parametrize("activation", CLASSIC)
@pytest.mark.parametrize("use_bias", [True, False])
def test_there_and_back_again(activation: str, use_bias: bool) -> None:
    mlp = MLP(2, [Dense(3, activation, use_bias), Dense(1, name="output")])
    w = mlp.initialize(0, bias_initializer="normal(1)")
    back, held = from_keras(to_keras(mlp, w))
    assert back == mlp
    assert list(held) == list(w)
    assert all(np.array_equal(held[n], w[n]) for n in w)


def test_a_model_of_ones_own_keeps_its_names() -> None:
    layers = [keras.layers.Dense(4, "relu", name="first"), keras.layers.Dense(2, name="second")]
    mlp, w = from_keras(keras.Sequential([keras.Input((3,)), *layers]))
    assert mlp == MLP(3, [Dense(4, "relu", name="first"), Dense(2, name="second")])
    assert list(w) == ["first/kernel", "first/bias", "second/kernel", "second/bias"]


def test_what_is_read_is_a_copy(mlp: MLP) -> None:
    model = to_keras(mlp, mlp.initialize(0))
    parameters_of(model)["dense_1/kernel"][...] = 7
    assert not (parameters_of(model)["dense_1/kernel"] == 7).any()


def _sequential(*layers: keras.layers.Layer, inputs: tuple[int, ...] = (3,)) -> keras.Sequential:
    return keras.Sequential([keras.Input(inputs), *layers])


def _functional() -> keras.Model:
    inputs = keras.Input((3,))
    return keras.Model(inputs, keras.layers.Dense(1)(inputs))


def _impostor(u: Any) -> Any:
    return u


class _OwnL2(keras.regularizers.L2):  # type: ignore[misc]  # Keras ships no types
    """It may do anything."""


_impostor.__name__ = "sigmoid"  # a name proves nothing

UNDERSTOOD = (
    "understood so far are Dense, Dropout, Activation, ReLU, LeakyReLU, ELU, Softmax, BatchNormalization, "
    "LayerNormalization, RMSNormalization, Flatten, Reshape, Permute, Identity, Rescaling, Normalization, "
    "ActivityRegularization."
)

REFUSED: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "unbuilt": (
        lambda: keras.Sequential([keras.layers.Dense(1)]),
        ValueError,
        "The model has no weights yet: give it a keras.Input, or call it once on data.",
    ),
    "functional": (_functional, TypeError, "from_keras understands keras.Sequential, not Functional."),
    "no model": (lambda: np.ones(3), TypeError, "from_keras understands keras.Sequential, not ndarray."),
    "convolution": (
        lambda: _sequential(keras.layers.Conv1D(2, 2, name="conv"), inputs=(4, 1)),
        TypeError,
        f"Layer 'conv' is a Conv1D; {UNDERSTOOD}",
    ),
    "regularizer": (
        lambda: _sequential(keras.layers.Dense(1, kernel_regularizer="orthogonal_regularizer", name="decayed")),
        TypeError,
        (
            "Layer 'decayed' has a kernel_regularizer, OrthogonalRegularizer, which is not understood so far: "
            "L1, L2, L1L2 are."
        ),
    ),
    "a regularizer of one's own": (
        lambda: _sequential(keras.layers.Dense(1, bias_regularizer=_OwnL2(), name="decayed")),
        TypeError,
        "Layer 'decayed' has a bias_regularizer, _OwnL2, which is not understood so far: L1, L2, L1L2 are.",
    ),
    "noise_shape": (
        lambda: _sequential(keras.layers.Dropout(0.5, noise_shape=(None, 1), name="whole_rows")),
        TypeError,
        (
            "Layer 'whole_rows' has noise_shape=(None, 1), which is not understood so far: "
            "each entry has a draw of its own here."
        ),
    ),
    "everything dropped": (
        lambda: _sequential(keras.layers.Dropout(1.0, name="nothing")),
        ValueError,
        "Dropout(rate=1.0): expected a share of 0 or more and below 1, such as 0.3.",
    ),
    "slopes that are learnt": (
        lambda: _sequential(keras.layers.PReLU(name="leaky")),
        TypeError,
        (f"Layer 'leaky' is a PReLU; {UNDERSTOOD}"),
    ),
    "softmax over samples": (
        lambda: _sequential(keras.layers.Softmax(axis=0, name="odd")),
        TypeError,
        "Layer 'odd' is a Softmax(axis=0), which is not understood so far.",
    ),
    "activity regularizer": (
        lambda: _sequential(keras.layers.Dense(1), keras.layers.ReLU(activity_regularizer="l1", name="sparse")),
        TypeError,
        (
            "Layer 'sparse' has a activity_regularizer, L1, which is not understood so far of a ReLU: put a "
            "keras.layers.ActivityRegularization behind it instead."
        ),
    ),
    "mixed precision": (
        lambda: _sequential(keras.layers.Dense(1, dtype="mixed_float16", name="half")),
        TypeError,
        (
            "The model computes in several dtypes (half: mixed_float16), whose rounding is not known so far. Build it "
            "with one policy, such as float32, or hold your own gradients against it by check_gradients, which "
            "measures it."
        ),
    ),
    "unknown activation": (
        lambda: _sequential(keras.layers.Dense(2, "glu", name="smooth")),
        TypeError,
        f"Layer 'smooth' has the activation 'glu'; understood are {', '.join(KNOWN)}.",
    ),
    "another function of that name": (
        lambda: _sequential(keras.layers.Dense(1, _impostor, name="false_friend")),
        TypeError,
        f"Layer 'false_friend' has the activation 'sigmoid'; understood are {', '.join(KNOWN)}.",
    ),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_is_not_understood_is_named(what: str) -> None:
    build, kind, text = REFUSED[what]
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        from_keras(build())


def test_equal_weights_are_proved(mlp: MLP) -> None:
    w = mlp.initialize(0)
    prove_same_weights(to_keras(mlp, w), w)


@pytest.mark.parametrize("side", ["model", "parameters"])
def test_a_change_of_one_ulp_is_caught(mlp: MLP, side: str) -> None:
    w = mlp.initialize(0)
    model = to_keras(mlp, w)
    changed = w["dense_2/kernel"].copy()
    changed[3, 1] = np.nextafter(changed[3, 1], 2)
    if side == "model":
        named_weights(model)["dense_2/kernel"].assign(changed)
    else:
        w["dense_2/kernel"] = changed
    text = (
        "The two sides do not share their weights: dense_2/kernel differ. "
        "Something trained or reassigned the model; build it again with to_keras(mlp, parameters)."
    )
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        prove_same_weights(model, w)


@pytest.mark.parametrize("change", ["sign of zero", "dtype", "shape", "missing"])
def test_other_changes_are_caught(change: str) -> None:
    mlp = MLP(1, [Dense(1)])
    w = {"dense_1/kernel": np.array([[0.0]]), "dense_1/bias": np.array([1.0])}
    model = to_keras(mlp, w)
    kernel = {"sign of zero": -w["dense_1/kernel"], "dtype": np.zeros((1, 1), np.float32), "shape": np.zeros(1)}
    planted = {**w, "dense_1/kernel": kernel[change]} if change in kernel else {"dense_1/bias": w["dense_1/bias"]}
    with pytest.raises(ValueError, match=r"do not share their weights: dense_1/kernel differ"):
        prove_same_weights(model, planted)


# dropout, activations, decay


def test_every_kind_of_layer_goes_there_and_back() -> None:
    layers = [Dropout(0.3), Dense(4, "tanh", kernel_l2=0.1), Activation("relu"), Dense(2), Activation("softmax")]
    mlp = MLP(3, layers)
    model = to_keras(mlp, mlp.initialize(0))
    assert [type(layer).__name__ for layer in model.layers] == ["Dropout", "Dense", "Activation", "Dense", "Activation"]
    assert from_keras(model)[0] == mlp


def test_relu_and_softmax_layers_are_activations() -> None:
    layers = [keras.layers.Dense(2, name="d"), keras.layers.ReLU(name="r"), keras.layers.Softmax(name="s")]
    mlp, _ = from_keras(_sequential(*layers))
    assert mlp == MLP(3, [Dense(2, name="d"), Activation("relu", "r"), Activation("softmax", "s")])


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_decay_reaches_keras_exactly(dtype: str) -> None:
    mlp = MLP(1, [Dense(1, use_bias=False, kernel_l2=0.1)])
    model = to_keras(mlp, {"dense_1/kernel": np.ones((1, 1), dtype)}, dtype)
    assert float(model.losses[0]) == np.dtype(dtype).type(0.1)


def test_keras_itself_rounds_a_decay_to_float32() -> None:
    """Why `to_keras` passes λ on as it does; if this changes, it need not any more. Keras before 3.14 did not round."""
    dense = keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2", dtype="float64")
    model = keras.Sequential([keras.Input((1,)), dense])
    rounds = tuple(map(int, keras.__version__.split(".")[:2])) >= (3, 14)
    assert float(model.losses[0]) == (float(np.float32(0.01)) if rounds else 0.01)
    assert float(np.float32(0.01)) != 0.01


def test_a_seed_brings_the_masks_back() -> None:
    mlp = MLP(4, [Dropout(0.5), Dense(9), Dropout(0.5), Dense(9), Dropout(0.5), Dense(1)])
    w, x, y = mlp.initialize(0), np.ones((8, 4)), np.ones((8, 1))
    first, again, other = (backpropagate(to_keras(mlp, w, seed=s), x, y, "mse").problem.draws for s in (3, 3, 4))
    assert all(np.array_equal(mask, again[name]) for name, mask in first.items())
    assert not np.array_equal(first["dropout_2/mask"], first["dropout_3/mask"])  # each layer has its own
    assert not np.array_equal(first["dropout_1/mask"], other["dropout_1/mask"])


def test_arguments_in_each_others_place_are_told_apart(mlp: MLP) -> None:
    text = "to_keras: mlp is dict: the two are in each other's place: to_keras(mlp, parameters)."
    with pytest.raises(TypeError, match=f"^{re.escape(text)}$"):
        to_keras(mlp.initialize(0), mlp)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match=r"^to_keras: mlp is list: expected an MLP\.$"):
        to_keras([3], mlp.initialize(0))  # type: ignore[arg-type]  # on purpose


# names


class _Pair(keras.layers.Layer):
    """Two layers of one name within a layer."""

    def __init__(self) -> None:
        super().__init__(name="pair")
        self.first, self.second = keras.layers.Dense(2, name="d"), keras.layers.Dense(2, name="d")

    def call(self, x: Any) -> Any:
        return self.second(self.first(x))


class _Tied(keras.layers.Layer):
    """Reads a kernel of another layer, transposed."""

    def __init__(self, kernel: Any) -> None:
        super().__init__(name="tied")
        self.kernel = kernel

    def build(self, shape: Any) -> None:
        self.bias = self.add_weight(name="bias", shape=(self.kernel.shape[0],))

    def call(self, x: Any) -> Any:
        return x @ keras.ops.transpose(self.kernel) + self.bias


class _Own(keras.Model):
    """Two weights of its own with one name, and two layers of one name beside one that is called as their count."""

    def __init__(self) -> None:
        super().__init__(name="own")
        self.scale, self.shift = (self.add_weight(name="scale", shape=(2,)) for _ in range(2))
        self.a, self.b, self.c = (keras.layers.Dense(2, name=n, use_bias=n != "d") for n in ("d", "d_1", "d"))
        self.drop = keras.layers.Dropout(0.5)

    def call(self, x: Any) -> Any:
        return self.drop(self.c(self.b(self.a(x)))) * self.scale + self.shift


def _own() -> keras.Model:
    model = _Own()
    model.compile("adam", "mse", metrics=["mae"])
    model.fit(np.ones((2, 3)), np.ones((2, 2)), verbose=0)  # now it has a seed, metrics and an optimizer's variables
    return model


def _attention() -> keras.Model:
    inputs = keras.Input((4, 3))
    return keras.Model(inputs, keras.layers.MultiHeadAttention(2, 3, use_bias=False, name="att")(inputs, inputs))


def _borrowed(turned: bool) -> keras.Model:
    dense, inputs = keras.layers.Dense(2, name="d"), keras.Input((2 if turned else 3,))
    dense.build((None, 3))
    tied = _Tied(dense.kernel)
    return keras.Model(inputs, dense(tied(inputs)) if turned else tied(dense(inputs)))


def _within(functional: bool) -> keras.Model:
    """Paths below a functional model do not know its name."""
    inputs, layers = keras.Input((3,)), [keras.layers.Dense(2, name=n, use_bias=n != "a") for n in "ab"]
    deep = keras.Sequential([keras.Input((2,)), keras.layers.BatchNormalization(name="n")], name="deep")
    if functional:
        inner = keras.Model(inputs, deep(layers[1](layers[0](inputs))), name="inner")
    else:
        inner = keras.Sequential([*layers, deep], name="inner")
    return _sequential(inner, keras.layers.Dense(1, name="out"))


def _of_inner(*names: str) -> list[str]:
    return [f"inner/{n}" for n in names]


_PATHS = _of_inner("a/kernel", "b/kernel", "b/bias", *(f"deep/n/{w}" for w in ("gamma", "beta")))
_MOVING = _of_inner("deep/n/moving_mean", "deep/n/moving_variance")
_LSTM = ("kernel", "recurrent_kernel", "bias")
_CELLS = keras.layers.StackedRNNCells([keras.layers.LSTMCell(2, name=n) for n in ("one", "two")], name="cells")

NAMED: dict[str, tuple[Callable[[], keras.Model], list[str], list[str]]] = {
    "attention": (_attention, [f"att/{n}/kernel" for n in ("query", "key", "value", "attention_output")], []),
    "bidirectional": (
        lambda: _sequential(keras.layers.Bidirectional(keras.layers.LSTM(2, name="r"), name="both"), inputs=(4, 3)),
        [f"both/{way}_r/lstm_cell/{n}" for way in ("forward", "backward") for n in _LSTM],
        [],
    ),
    "stacked cells": (
        lambda: _sequential(keras.layers.RNN(_CELLS, name="rnn"), inputs=(4, 3)),
        [f"rnn/cells/{cell}/{n}" for cell in ("one", "two") for n in _LSTM],
        [],
    ),
    "plain recurrence": (
        lambda: _sequential(keras.layers.LSTM(2, name="r"), inputs=(4, 3)),
        [f"r/{n}" for n in _LSTM],
        [],
    ),
    "over time": (
        lambda: _sequential(keras.layers.TimeDistributed(keras.layers.Dense(2), name="each"), inputs=(4, 3)),
        ["each/kernel", "each/bias"],
        [],
    ),
    "Sequential within": (lambda: _within(False), [*_PATHS, "out/kernel", "out/bias"], _MOVING),
    "functional within": (lambda: _within(True), [*_PATHS, "out/kernel", "out/bias"], _MOVING),
    "borrowed": (lambda: _borrowed(False), ["d/kernel", "d/bias", "tied/bias"], []),
    "borrowed before": (lambda: _borrowed(True), ["tied/kernel", "tied/bias", "d/bias"], []),
    "one name twice in a layer": (
        lambda: _sequential(_Pair()),
        ["pair/d/kernel", "pair/d/bias", "pair/d/kernel_1", "pair/d/bias_1"],
        [],
    ),
    "of the model itself": (_own, ["scale", "scale_1", "d/kernel", "d_1/kernel", "d_1/bias", "d_2/kernel"], []),
}


@pytest.mark.parametrize("kind", NAMED)
def test_every_weight_has_a_name_of_its_own_in_the_order_of_keras(kind: str) -> None:
    build, trainable, others = NAMED[kind]
    model = build()
    every = layer_weights(model)
    assert list(named_weights(model)) == trainable
    assert sorted(every) == sorted([*trainable, *others])
    assert all(a is b for a, b in zip(named_weights(model).values(), model.trainable_weights, strict=True))
    assert all(a is b for a, b in zip(every.values(), model.weights, strict=True))
    assert all(np.array_equal(a, b) for a, b in zip(parameters_of(model).values(), model.get_weights(), strict=True))
    prove_same_weights(model, parameters_of(model))


def test_freezing_a_layer_renames_nothing() -> None:
    model = _within(False)
    before = list(layer_weights(model))
    model.layers[0].layers[0].trainable = False
    assert list(layer_weights(model)) == before
    assert list(named_weights(model)) == [n for n in NAMED["Sequential within"][1] if n != "inner/a/kernel"]


# layers that are read as others than they are


def _with_lora(layer: Any) -> Any:
    layer.build((None, 3))
    layer.enable_lora(1)
    return layer


def _quantised(mode: str) -> keras.Model:
    model = _sequential(keras.layers.Dense(2, name="small"))
    model.layers[0].quantize(mode)
    return model


def _by_policy() -> keras.Model:
    policy = keras.dtype_policies.QuantizedDTypePolicy("int8", "float32")
    return _sequential(keras.layers.Dense(2, name="small", dtype=policy))


def _deep_within(layer: keras.layers.Layer) -> keras.Model:
    return _sequential(keras.Sequential([keras.layers.Dense(3), keras.Sequential([layer])]))


def _attention_with_lora() -> keras.Model:
    model = _attention()
    model.layers[-1].query_dense.enable_lora(1)
    return model


UNREADABLE: dict[str, tuple[Callable[[], keras.Model], str]] = {
    "LoRA": (lambda: _sequential(_with_lora(keras.layers.Dense(2, name="tuned"))), "Layer 'tuned' has LoRA: "),
    "LoRA deep within": (
        lambda: _deep_within(_with_lora(keras.layers.Dense(2, name="tuned"))),
        "Layer 'tuned' has LoRA: ",
    ),
    "LoRA within a layer": (_attention_with_lora, "Layer 'query' has LoRA: "),
    "int8": (lambda: _quantised("int8"), "Layer 'small' is quantised to int8: "),
    "float8": (lambda: _quantised("float8"), "Layer 'small' is quantised to float8: "),
    "a policy": (_by_policy, "Layer 'small' is quantised to int8: "),
}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # Keras's own, as it quantises
@pytest.mark.parametrize("what", UNREADABLE)
def test_a_layer_that_computes_with_other_numbers_than_its_weights_is_refused(what: str) -> None:
    build, text = UNREADABLE[what]
    model = build()
    with pytest.raises(TypeError, match=f"^{re.escape(text)}it computes with"):
        refuse_unreadable(model)
    if isinstance(model, keras.Sequential):
        with pytest.raises(TypeError, match=f"^{re.escape(text)}it computes with"):
            from_keras(model)


def test_lora_is_merged_as_the_refusal_says() -> None:
    tuned, plain = (keras.layers.Dense(2, name="d", dtype="float64") for _ in range(2))
    lora, merged = _sequential(_with_lora(tuned)), _sequential(plain)
    tuned.lora_kernel_b.assign(np.ones((1, 2)))
    plain.kernel.assign(tuned.kernel)
    x = np.random.default_rng(0).normal(size=(4, 3))
    assert np.allclose(lora(x), merged(x), rtol=1e-6)
    assert from_keras(merged)[0].layers[0] == Dense(2, name="d")


def test_what_only_other_models_have_is_no_reason_to_refuse() -> None:
    for kind in NAMED:
        refuse_unreadable(NAMED[kind][0]())
