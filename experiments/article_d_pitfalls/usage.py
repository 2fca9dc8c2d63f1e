"""Article D's wrong uses of Keras: the input shape, a rebound name, a forgotten optimizer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

import keras_mlp  # before Keras itself, since it starts TensorFlow quietly
from manual_mlp import Array

# isort: split
import keras

from experiments.article_d_pitfalls.bench import LOSS, RATE, Bench, by_tape, cross_entropy
from experiments.article_d_pitfalls.pictures import losses_while_training
from experiments.frame.study import Part, Picture, Table, paragraphs
from experiments.support.error_text import error_text
from manual_mlp import MLP

STEPS = 50
CURVES = "E while training"


def wrong_shape(article: Bench) -> Part:
    """The number of samples where the number of features belongs."""
    rows = [
        _build("InputLayer(input_shape=(100))", lambda: _compile(input_shape=(100)), article),
        _build("InputLayer(input_shape=(100,))", lambda: _compile(input_shape=(100,)), article),
        _build("InputLayer(shape=(10,))", lambda: _compile(shape=(10,)), article),
    ]
    ours = MLP(100, article.mlp.layers)
    by_us = error_text(lambda: ours.predict(ours.initialize(0), article.x))
    all_rows = [*rows, ("MLP(100, layers), of this project", "no error", by_us)]
    frame = pd.DataFrame(all_rows, columns=["written", "built", "given data"])
    return Part(
        "The input shape: features, not samples",
        paragraphs(
            """
            The data are of shape (100, 10). The post writes InputLayer(input_shape=(100)). But the
            shape is that of one sample, (10,), without the batch. (Keras 3 calls the argument shape;
            input_shape still works.)

            (100) is no tuple but the number 100, and Keras refuses it at once, without saying what is
            wrong with it. Whoever then adds a comma has a model that is built and compiled, and fails
            when the first data arrive.
            """
        ),
        tables={"input shapes, and what is said to them": Table(frame, ("written", "built"))},
        claims={
            "Keras refuses (100) at once": "Cannot convert '100' to a shape" in rows[0][1],
            "(100,) is built without an error": rows[1][1] == "no error",
            "(100,) fails when data come": "expected axis -1 of input shape to have value 100" in rows[1][2],
            "(10,) trains": rows[2][1:] == ("no error", "no error"),
            "our error names the layer and both shapes": all(
                s in by_us for s in ("dense_1", "(100, 10)", "(100, 100)")
            ),
        },
    )


def _build(written: str, build: Callable[[], keras.Sequential], article: Bench) -> tuple[str, str, str]:
    at_once = error_text(build)
    if at_once != "no error":
        return written, at_once, "–"
    return written, at_once, error_text(lambda: build().fit(article.x, article.y, verbose=0))


def _compile(**shape: Any) -> keras.Sequential:
    layers = [keras.layers.Dense(10, name="dense_1"), keras.layers.Dense(1, "sigmoid", name="dense_2")]
    model = keras.Sequential([keras.layers.InputLayer(**shape), *layers])
    model.compile(loss=LOSS)
    return model


def rebinding(article: Bench) -> Part:
    """W = W − lr · grad in a loop."""
    rebound, updated = article.fresh_model(), article.fresh_model()
    losses = {"rebinding": _descend(rebound, article, _rebind), "updating": _descend(updated, article, _update)}
    every_fifth = {name: values[::5] for name, values in losses.items()}
    curves = pd.DataFrame({"step": range(0, STEPS + 1, 5), **every_fifth})
    rows = [(n, _change(rebound, article, n), _change(updated, article, n)) for n in article.parameters]
    columns = ["weights", "largest change by rebinding", "largest change by updating"]
    changes = pd.DataFrame(rows, columns=columns)
    return Part(
        "W = W − lr · grad changes no weight",
        paragraphs(
            f"""
            In a loop over the weights, W = W - lr * grad computes a new tensor and gives it the name W.
            The variable in the model knows nothing of it. No error is raised, and E stays as it is.

            Right: W.assign_sub(lr * grad), or an optimizer. Below, {STEPS} steps with lr {RATE}, each
            way, from the same weights.
            """
        ),
        tables={
            "weights before and after": Table(changes, tuple(columns)),
            CURVES: Table(curves, tuple(curves.columns)),
        },
        claims={
            "rebinding changes not one bit of the weights": not changes[columns[1]].any(),
            "assign_sub changes all of them, and E falls at each step": bool(
                changes[columns[2]].all() and (np.diff(losses["updating"]) < 0).all()
            ),
        },
        pictures={"E while training, rebinding and updating": Picture((CURVES,), losses_while_training)},
    )


def _descend(model: keras.Sequential, article: Bench, move: Callable[[Any, Array], None]) -> list[float]:
    """E before each of the steps and after the last."""
    losses = []
    for _ in range(STEPS):
        loss, gradients = by_tape(model, lambda: cross_entropy(article.y, model(article.x)))
        losses.append(loss)
        for name, weight in keras_mlp.named_weights(model).items():
            move(weight, gradients[name])
    return [*losses, float(cross_entropy(article.y, model(article.x)))]


def _rebind(W: Any, gradient: Array) -> None:
    W = W - RATE * gradient  # the mistake: a new tensor under an old name


def _update(W: Any, gradient: Array) -> None:
    W.assign_sub(RATE * gradient)


def _change(model: keras.Sequential, article: Bench, name: str) -> float:
    return float(np.abs(keras_mlp.parameters_of(model)[name] - article.parameters[name]).max())


def no_optimizer(article: Bench) -> Part:
    """compile(loss=…) trains with RMSprop."""
    unnamed = article.fresh_model()
    unnamed.compile(loss=LOSS)
    default = unnamed.optimizer
    rate = float(np.asarray(default.learning_rate))
    named = keras.optimizers.SGD(rate)
    frame = pd.DataFrame([_first_step(article, optimizer) for optimizer in (default, named)])
    frame.insert(0, "compiled with", ["none named", "SGD"])
    default_cosine, named_cosine = frame["cosine with −dE/dW"]
    return Part(
        "compile without an optimizer is not gradient descent",
        paragraphs(
            """
            The text of the post is about W ← W − lr dE/dW, but compile(loss=…) without an optimizer
            takes RMSprop. It divides each entry of the gradient by a running root mean square of that
            entry.

            The table shows the first step of both, for the 100 weights of dense_1, with Keras's default
            learning rate of RMSprop. RMSprop moves them all by nearly the same amount, however large
            their gradients are. Whoever checks his update by hand against fit() finds no factor that
            fits. Right: optimizer=keras.optimizers.SGD(lr).
            """
        ),
        tables={"the first step": Table(frame, tuple(frame.columns))},
        claims={
            "compile without an optimizer takes RMSprop": type(default).__name__ == "RMSprop",
            "a step of SGD goes along −dE/dW, one of RMSprop does not": bool(
                named_cosine > 0.9999 > 0.99 > default_cosine
            ),
        },
    )


def _first_step(article: Bench, optimizer: keras.optimizers.Optimizer) -> dict[str, object]:
    model, gradients = article.fresh_model(), article.hand.gradients
    optimizer.apply(list(gradients.values()), list(keras_mlp.named_weights(model).values()))
    change = keras_mlp.parameters_of(model)["dense_1/kernel"] - article.parameters["dense_1/kernel"]
    downhill = -gradients["dense_1/kernel"]
    return {
        "the optimizer": type(optimizer).__name__,
        "lr": float(np.asarray(optimizer.learning_rate)),
        "smallest change": float(np.abs(change).min()),
        "largest change": float(np.abs(change).max()),
        "cosine with −dE/dW": float((change * downhill).sum() / np.linalg.norm(change) / np.linalg.norm(downhill)),
    }
