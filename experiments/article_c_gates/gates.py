"""Logic gates as perceptrons: a step, or the sigmoid in its place; and what can be built from NAND alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from experiments.frame.study import Comparison, Part, Settings, Table, paragraphs
from experiments.support.error_text import error_text
from gradient_diff import compare
from keras_mlp import backpropagate, to_keras
from manual_mlp import MLP, Array, Dense

INPUTS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
GATES: dict[str, tuple[tuple[float, float], float, tuple[int, ...]]] = {
    "NAND": ((-2.0, -2.0), 3.0, (1, 1, 1, 0)),
    "AND": ((2.0, 2.0), -3.0, (0, 0, 0, 1)),
    "OR": ((2.0, 2.0), -1.0, (0, 1, 1, 1)),
}
"""Gate → w, b, what it must give for 00, 01, 10, 11. NAND's are the article's."""

SIGMOID = "NAND with the sigmoid: the gradients of both sides"


def perceptron(gate: str, activation: str, dtype: str = "float64") -> tuple[MLP, dict[str, Array]]:
    """One unit with the gate's weights."""
    w, b, _ = GATES[gate]
    kernel = {"dense_1/kernel": np.array(w, dtype)[:, None], "dense_1/bias": np.array([b], dtype)}
    return MLP(2, [Dense(1, activation)]), kernel


def nand(a: Array, b: Array) -> Array:
    """The NAND perceptron, forward."""
    mlp, parameters = perceptron("NAND", "step")
    return mlp.predict(parameters, np.stack([a, b], axis=1))[:, 0]


def half_adder(a: Array, b: Array, gate: Callable[[Array, Array], Array] = nand) -> tuple[Array, Array]:
    """Sum and carry of two bits, from five NANDs."""
    n = gate(a, b)
    return gate(gate(a, n), gate(n, b)), gate(n, n)


def gates_part(settings: Settings) -> Part:
    """Truth tables of the gates by both sides, and the half adder."""
    frame = pd.DataFrame(INPUTS.astype(int), columns=["a", "b"])
    holds = True
    for gate, (_, _, expected) in GATES.items():
        mlp, parameters = perceptron(gate, "step", settings.dtype)
        x = INPUTS.astype(settings.dtype)
        hand = mlp.predict(parameters, x)[:, 0].astype(int)
        tape = np.asarray(to_keras(mlp, parameters, settings.dtype)(x))[:, 0].astype(int)
        frame[gate], frame[f"{gate} in Keras"] = hand, tape
        holds = holds and tuple(hand) == tuple(tape) == expected
    adder = pd.DataFrame(INPUTS.astype(int), columns=["a", "b"])
    total, carry = half_adder(INPUTS[:, 0], INPUTS[:, 1])
    adder["sum"], adder["carry"] = total.astype(int), carry.astype(int)
    right = bool((2 * adder["carry"] + adder["sum"] == adder["a"] + adder["b"]).all())
    return Part(
        "Gates with a step",
        paragraphs("""
            A perceptron gives 1 where u = x W + b is above 0, else 0. With w = (−2, −2) and b = 3 it is NAND. AND and
            OR need other numbers, not another unit.

            Every circuit can be built from NAND. A half adder takes five: n = NAND(a, b), then sum = NAND(NAND(a, n),
            NAND(n, b)) and carry = NAND(n, n). The sum is XOR, which no single perceptron computes: it takes NANDs
            one behind the other, that is, a hidden layer.
        """),
        tables={
            "Truth table of the gates": Table(frame, tuple(frame.columns)),
            "Truth table of the half adder from NAND gates": Table(adder, tuple(adder.columns)),
        },
        claims={
            "NAND, AND and OR are right on both sides": holds,
            "2 carry + sum is a + b": right,
        },
    )


def sigmoid_part(settings: Settings) -> Part:
    """The step cannot be learned through; the sigmoid can, and gives the same gate after rounding."""
    stepped, parameters = perceptron("NAND", "step", settings.dtype)
    smooth, _ = perceptron("NAND", "sigmoid", settings.dtype)
    x, y = INPUTS.astype(settings.dtype), np.array(GATES["NAND"][2], settings.dtype)[:, None]
    refused = error_text(lambda: stepped.backpropagate(parameters, x, y, "quadratic_cost"))
    hand = smooth.backpropagate(parameters, x, y, "quadratic_cost")
    tape = backpropagate(to_keras(smooth, parameters, settings.dtype), x, y, "quadratic_cost", settings.mode)
    frame = pd.DataFrame(INPUTS.astype(int), columns=["a", "b"])
    frame["u"], frame["σ(u)"] = hand.nodes["dense_1/u"][:, 0], hand.nodes["dense_1/z"][:, 0]
    frame["rounded"] = frame["σ(u)"].round().astype(int)
    return Part(
        "The sigmoid in place of the step",
        paragraphs("""
            A small change of a weight changes nothing behind a step, until it changes all: the slope is 0 or does not
            exist, and no gradient passes. The sigmoid is a step made smooth. With the weights of NAND it gives
            numbers between 0 and 1, and rounded they are NAND again. And now there is a gradient. (dE/dW of this gate
            is 0, though: the errors of the rows 01 and 11 are σ(1) − 1 and σ(−1), and they cancel.)
        """),
        tables={
            "NAND with the sigmoid": Table(frame, tuple(frame.columns)),
            "What backpropagation says to a step": Table(pd.DataFrame({"it says": [refused]})),
        },
        comparisons={SIGMOID: Comparison(compare(hand, tape))},
        claims={
            "with the sigmoid the gate gives 1, 1, 1, 0 after rounding": frame["rounded"].tolist() == [1, 1, 1, 0],
            "backpropagation through a step is refused, and not silently 0": refused.startswith("ValueError"),
        },
    )
