"""The small networks that mistakes are shown on: description, data, and the right program in either layout."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from gradient_diff.guide.skeletons import (
    LOOP,
    NORMALISED_BACK,
    SOFTMAX,
    SOFTMAX_CHAIN,
    STATISTICS,
    THREE,
    TWO,
    Layout,
)
from manual_mlp import MLP, Dense, Dropout, Evaluation, Loss
from manual_mlp.extend import draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization

SIGMOID = "1 / (1 + np.exp(-{}))"
PLAIN_NAMES = "W1, b1, W2, b2"
PLAIN_GRADIENTS = "dW1, db1, dW2, db2"


@dataclass(frozen=True)
class Net:
    """A network with its data, and how its derivation is written.

    Attributes:
        mlp, batch, loss: what is trained.
        program: layout → the right derivation, the function `gradients`.
        size: of the weights; large ones saturate.
        smoothing: of the labels.
        weighted: whether each sample has a weight of its own.
    """

    mlp: MLP
    batch: int
    loss: str
    program: Callable[[Layout], str] = field(repr=False)
    size: float = 0.3
    smoothing: float = 0.0
    weighted: bool = False

    @cached_property
    def reference(self) -> Evaluation:
        """The right gradients, on numbers that are always the same."""
        rng = np.random.default_rng(0)
        parameters = draw_parameters(rng, self.mlp, f"normal({self.size})")
        data = draw_data(rng, self.batch, self.mlp, self.loss)
        draws = self.mlp.draws(rng, self.batch, "float64")
        weights = rng.uniform(0.5, 2, self.batch) if self.weighted else None
        loss = Loss(self.loss, label_smoothing=self.smoothing) if self.smoothing else Loss(self.loss)
        return self.mlp.backpropagate(parameters, *data, loss, draws, weights)

    @property
    def words(self) -> str:
        """`7-5-3, mean_squared_error, batch 11`."""
        return f"{self.mlp.outline}, {self.loss}, batch {self.batch}"


def two(
    f: str,
    slope: str,
    top: str | Mapping[Layout, str],
    *,
    between: str | Mapping[Layout, str] = "",
    back: str | Mapping[Layout, str] = "",
    penalty: str = "",
    takes: str = "parameters, x, y",
    names: str = PLAIN_NAMES,
    gradients: str = PLAIN_GRADIENTS,
) -> Callable[[Layout], str]:
    """One hidden layer; each part is a line or lines, where layouts differ one for each."""

    def program(layout: Layout) -> str:
        parts = {"top": top, "between": between, "back": back}
        chosen = {name: part if isinstance(part, str) else part[layout] for name, part in parts.items()}
        a1 = "a1" if between else "z1"
        return TWO[layout].format(
            f=f, slope=slope, penalty=penalty, takes=takes, names=names, gradients=gradients, a1=a1, **chosen
        )

    return program


def looped(size: int) -> Callable[[Layout], str]:
    """Sums over mini-batches of this size; those of size 1 are samples."""

    def program(layout: Layout) -> str:
        inner = two(SIGMOID.format("u1"), "z1 * (1 - z1)", MSE, takes="parameters, x, y, N")(layout)
        inner = inner.replace("def gradients", "def of_some").replace("N, K = y.shape", "K = y.shape[1]")
        return LOOP[layout].format(size=size) + inner.replace("K, N = y.shape", "K = len(y)")

    return program


MSE = "    d2 = 2 * (u2 - y) / (N * K)\n"
TANH = "np.tanh(u1)", "(1 - z1**2)"
LOGISTIC = SIGMOID.format("u1"), "z1 * (1 - z1)"
P = f"    p = {SIGMOID.format('u2')}\n"
LAYOUTS_OF_SOFTMAX: dict[Layout, str] = {k: SOFTMAX[k] + "    d2 = (p - y) / N\n" for k in SOFTMAX}

NETS: dict[str, Net] = {
    "plain": Net(MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "mean_squared_error", two(*LOGISTIC, MSE)),
    "half": Net(
        MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "half_sum_squared_error", two(*LOGISTIC, "    d2 = u2 - y\n")
    ),
    "sum": Net(
        MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "sum_squared_error", two(*LOGISTIC, "    d2 = 2 * (u2 - y)\n")
    ),
    "relu": Net(
        MLP(7, [Dense(5, "relu"), Dense(3)]), 11, "mean_squared_error", two("np.maximum(u1, 0)", "(u1 > 0)", MSE)
    ),
    "classes": Net(
        MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")]),
        11,
        "categorical_crossentropy",
        two(*TANH, LAYOUTS_OF_SOFTMAX),
    ),
    "classes, by the chain rule": Net(
        MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")]),
        11,
        "categorical_crossentropy",
        two(*TANH, {k: SOFTMAX[k] + SOFTMAX_CHAIN[k] for k in SOFTMAX}),
    ),
    "yes or no, by the chain rule": Net(
        MLP(7, [Dense(5, "tanh"), Dense(1, "sigmoid")]),
        11,
        "binary_crossentropy",
        two(*TANH, P + "    g2 = (-y / p + (1 - y) / (1 - p)) / N\n    d2 = g2 * p * (1 - p)\n"),
    ),
    "saturated": Net(
        MLP(7, [Dense(5, "tanh"), Dense(1, "sigmoid")]),
        11,
        "binary_crossentropy",
        two(*TANH, P + "    d2 = (p - y) / N\n"),
        size=12.0,
    ),
    "squashed": Net(
        MLP(7, [Dense(5, "tanh"), Dense(3, "sigmoid")]),
        11,
        "mean_squared_error",
        two(*TANH, f"    z2 = {SIGMOID.format('u2')}\n    d2 = 2 * (z2 - y) / (N * K) * z2 * (1 - z2)\n"),
    ),
    "one output": Net(
        MLP(7, [Dense(5, "tanh"), Dense(1)]),
        11,
        "mean_squared_error",
        two(
            *TANH,
            {
                "rows": "    e = u2 - y\n    d2 = 2 * e.mean(axis=1, keepdims=True) / N\n",
                "columns": "    e = u2 - y\n    d2 = 2 * e.mean(axis=0, keepdims=True) / N\n",
            },
        ),
    ),
    "deep": Net(MLP(5, [Dense(5, "tanh"), Dense(5, "tanh"), Dense(3)]), 11, "mean_squared_error", THREE.__getitem__),
    "square": Net(MLP(5, [Dense(5, "tanh"), Dense(5, "tanh"), Dense(3)]), 5, "mean_squared_error", THREE.__getitem__),
    "samples": Net(MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "mean_squared_error", looped(1)),
    "mini-batches": Net(MLP(7, [Dense(5, "sigmoid"), Dense(3)]), 11, "mean_squared_error", looped(4)),
    "dropout": Net(
        MLP(7, [Dense(5, "tanh"), Dropout(0.3), Dense(3)]),
        11,
        "mean_squared_error",
        two(
            *TANH,
            MSE,
            between="    mask = kept / (1 - 0.3)\n    a1 = z1 * mask\n",
            back="    g1 = g1 * mask\n",
            takes="parameters, x, y, kept",
        ),
    ),
    "normalised": Net(
        MLP(7, [Dense(5, "tanh"), BatchNormalization(), Dense(3)]),
        11,
        "mean_squared_error",
        two(
            *TANH,
            MSE,
            between=STATISTICS,
            back=NORMALISED_BACK,
            names="W1, b1, gamma, beta, moving_mu, moving_v, W2, b2",
            gradients="dW1, db1, dgamma, dbeta, dW2, db2",
        ),
    ),
    "L2": Net(
        MLP(7, [Dense(5, "sigmoid", kernel_l2=0.1), Dense(3, kernel_l2=0.1)]),
        11,
        "mean_squared_error",
        two(*LOGISTIC, MSE, penalty="    dW1, dW2 = dW1 + 2 * 0.1 * W1, dW2 + 2 * 0.1 * W2\n"),
    ),
    "L1": Net(
        MLP(7, [Dense(5, "sigmoid", kernel_l1=0.1), Dense(3, kernel_l1=0.1)]),
        11,
        "mean_squared_error",
        two(*LOGISTIC, MSE, penalty="    dW1, dW2 = dW1 + 0.1 * np.sign(W1), dW2 + 0.1 * np.sign(W2)\n"),
    ),
    "smoothed": Net(
        MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")]),
        11,
        "categorical_crossentropy",
        two(*TANH, {k: "    y = (1 - 0.1) * y + 0.1 / K\n" + text for k, text in LAYOUTS_OF_SOFTMAX.items()}),
        smoothing=0.1,
    ),
    "weighted": Net(
        MLP(7, [Dense(5, "tanh"), Dense(3)]),
        11,
        "mean_squared_error",
        two(
            *TANH,
            {
                "rows": "    d2 = 2 * (u2 - y) / (N * K) * w[:, None]\n",
                "columns": "    d2 = 2 * (u2 - y) / (N * K) * w\n",
            },
            takes="parameters, x, y, w",
        ),
        weighted=True,
    ),
    "activity": Net(
        MLP(7, [Dense(5, "tanh", activity_l2=0.3), Dense(3)]),
        11,
        "mean_squared_error",
        two(*TANH, MSE, back="    g1 = g1 + 2 * 0.3 / N * z1\n"),
    ),
}
"""Name → network; widths and batch are different primes where that is possible, so that few mistakes look alike."""
