"""A hand that is wrong in a way that nobody knows gets no name of another E or another forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.keras import check_gradients
from gradient_diff.keras.gradients.another import variations
from gradient_diff.keras.gradients.another.variations import Variation
from manual_mlp import Array
from manual_mlp.extend import Arrays

FAMILY = {*SETTINGS, "other_loss"}
Layers = keras.layers
SEQUENCES, IMAGES, CLASSES, ONE_HOT, REAL = "sequences", "images", "classes", "one hot", "real"
Case = tuple[Callable[[], list[Any]], str, str, Any]
MODELS: dict[str, Case] = {
    "tanh": (lambda: [Layers.Dense(3, "tanh"), Layers.Dense(2)], "", REAL, "mse"),
    "gelu": (lambda: [Layers.Dense(3, "gelu"), Layers.Dense(2)], "", REAL, "mse"),
    "one layer": (lambda: [Layers.Dense(2)], "", REAL, "mse"),
    "mae": (lambda: [Layers.Dense(3, "gelu"), Layers.Dense(2)], "", REAL, "mae"),
    "huber": (lambda: [Layers.Dense(3, "silu"), Layers.Dense(2)], "", REAL, "huber"),
    "softmax": (lambda: [Layers.Dense(4, "gelu"), Layers.Dense(3, "softmax")], "", ONE_HOT, "categorical_crossentropy"),
    "logits": (lambda: [Layers.Dense(3)], "", ONE_HOT, keras.losses.CategoricalCrossentropy(from_logits=True)),
    "smooth": (
        lambda: [Layers.Dense(3, "softmax")],
        "",
        ONE_HOT,
        keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
    ),
    "binary": (lambda: [Layers.Dense(3, "gelu"), Layers.Dense(3, "sigmoid")], "", ONE_HOT, "binary_crossentropy"),
    "sparse": (
        lambda: [Layers.Dense(4, "gelu"), Layers.Dense(3, "softmax")],
        "",
        CLASSES,
        "sparse_categorical_crossentropy",
    ),
    "penalties": (
        lambda: [Layers.Dense(3, "gelu", kernel_regularizer="l1"), Layers.Dense(2, kernel_regularizer="l2")],
        "",
        REAL,
        "mse",
    ),
    "described penalty": (lambda: [Layers.Dense(3, "tanh", kernel_regularizer="l2"), Layers.Dense(2)], "", REAL, "mse"),
    "normalised": (lambda: [Layers.Dense(3), Layers.BatchNormalization(), Layers.Dense(2)], "", REAL, "mse"),
    "layer norm": (lambda: [Layers.Dense(3), Layers.LayerNormalization(), Layers.Dense(2)], "", REAL, "mse"),
    "bends": (lambda: [Layers.Dense(3), Layers.LeakyReLU(0.1), Layers.Dense(2)], "", REAL, "mse"),
    "dropout": (lambda: [Layers.Dense(5, "gelu"), Layers.Dropout(0.4), Layers.Dense(2)], "", REAL, "mse"),
    "recurrent": (lambda: [Layers.SimpleRNN(3), Layers.Dense(2)], SEQUENCES, REAL, "mse"),
    "convolution": (
        lambda: [Layers.Conv1D(2, 2, activation="relu"), Layers.Flatten(), Layers.Dense(2)],
        SEQUENCES,
        REAL,
        "mse",
    ),
    "poisson": (lambda: [Layers.Dense(3, "gelu"), Layers.Dense(2, "softplus")], "", REAL, "mse"),
    "spectral": (lambda: [Layers.SpectralNormalization(Layers.Dense(3)), Layers.Dense(2)], "", REAL, "mse"),
}
FEW = ("gelu",)


def _data(inputs: str, targets: str) -> tuple[Array, Array]:
    rng = np.random.default_rng(4)
    x = rng.normal(size=(6, 5, 3) if inputs == SEQUENCES else (6, 4)).astype("float32")
    labels = rng.integers(0, 3, 6)
    found = {REAL: rng.normal(size=(6, 2)), ONE_HOT: np.eye(3)[labels], CLASSES: labels}[targets]
    return x, found if targets == CLASSES else found.astype("float32")


def _right(model: keras.Model, x: Array, y: Array, loss: Any) -> list[Array]:
    model.compile("sgd", loss)
    with tf.GradientTape() as tape:
        e = model.compute_loss(x, y, model(x, training=False), None)
    return [np.asarray(g) for g in tape.gradient(e, model.trainable_variables)]


def _wrong(right: list[Array]) -> Iterator[list[Array]]:
    """Ten ways to be wrong in no known way."""
    rng = np.random.default_rng(8)
    size = float(np.mean([np.abs(a).mean() for a in right]))
    largest = max(range(len(right)), key=lambda i: right[i].size)
    for scale in (size, 1.0, 1e-3):
        yield [rng.normal(0, scale, a.shape) for a in right]
    for factor in (1.3, 1.001):
        bent = [a.copy() for a in right]
        bent[largest].flat[int(np.abs(bent[largest]).argmax())] *= factor
        yield bent
    for noise in (0.1, 0.01):
        yield [a + noise * np.abs(a).mean() * rng.normal(size=a.shape) for a in right]
    yield [2 * a if i == largest else a for i, a in enumerate(right)]
    yield [rng.permutation(a.ravel()).reshape(a.shape) for a in right]
    yield [a.ravel()[::-1].reshape(a.shape) for a in right]


@pytest.fixture
def remembering(monkeypatch: pytest.MonkeyPatch) -> dict[Any, Any]:
    """What a variation of one model gives is computed once for all hands; but for what hangs on the hand."""
    known: dict[Any, Any] = {}
    compute = variations._computed  # noqa: SLF001  (the one place where a pass is made)

    def gradients(run: Any, variation: Variation) -> Arrays | None:
        e = variation.objective
        key = (id(e.model), e.parts, e.loss.words, str(e.data.sample_weight), variation.id, variation.words)
        if not variation.words and e.loss.function == "":  # two ends of what is solved for
            return compute(run, variation)
        if key not in known:
            known[key] = compute(run, variation)
        found: Arrays | None = known[key]
        return found

    monkeypatch.setattr(variations, "_computed", gradients)
    return known


@pytest.mark.parametrize("name", [pytest.param(n, marks=[pytest.mark.slow] * (n not in FEW)) for n in MODELS])
def test_no_random_wrong_hand_gets_a_name_of_this_family(
    name: str, remembering: dict[Any, Any], record_property: Any
) -> None:
    keras.utils.set_random_seed(6)
    layers, inputs, targets, loss = MODELS[name]
    x, y = _data(inputs, targets)
    model = keras.Sequential([keras.Input(x.shape[1:]), *layers()])
    hands = [[a.astype("float32") for a in hand] for hand in _wrong(_right(model, x, y, loss))]
    diffs = [check_gradients(model, x, y, hand, loss=loss, training=False) for hand in hands]
    assert len(diffs) == 10
    assert all(diff.verdict.bad for diff in diffs), [diff.verdict for diff in diffs]
    assert not [cause for diff in diffs for cause in diff.causes if cause.id in FAMILY and cause.title]
    assert len(remembering) > 10, "the search ran"


def test_a_gradient_without_any_rounding_is_judged_all_the_same() -> None:
    keras.utils.set_random_seed(6)
    x, y = _data("", REAL)
    model = keras.Sequential([keras.Input((4,)), Layers.Dense(3, "gelu"), Layers.Dense(2)])
    right = _right(model, x[:4], y[:4], "mae")
    wrong = [*right[:3], right[3] + 0.25]  # a mean of ±1 over 8: neither σ nor the witness's error is above 0
    assert check_gradients(model, x[:4], y[:4], right, loss="mae").verdict is Status.MATCH
    assert check_gradients(model, x[:4], y[:4], wrong, loss="mae").verdict.bad
