"""Training steps of a net n-sigmoid-linear as people keep them: a maker takes W1, b1, W2, b2 and returns step(x, y)."""

from __future__ import annotations

import functools
from collections import namedtuple
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from manual_mlp import Array

Step: TypeAlias = Callable[[Array, Array], Any]
Maker: TypeAlias = Callable[[Sequence[Array]], Step]

RATE = 0.3


def sigmoid(u: Array) -> Array:
    """1 / (1 + e⁻ᵘ)."""
    return 1 / (1 + np.exp(-u))


def gradients(weights: Sequence[Array], x: Array, y: Array) -> list[Array]:
    """Of the mean square over N and K, in rows."""
    W1, b1, W2, b2 = weights
    z = sigmoid(x @ W1 + b1)
    d2 = 2 * (z @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * z * (1 - z)
    return [x.T @ d1, d1.sum(0), z.T @ d2, d2.sum(0)]


class Lists:
    """Two lists, updated in place."""

    def __init__(self, weights: Sequence[Array]) -> None:
        W1, b1, W2, b2 = weights
        self.weights, self.biases, self.lr = [W1.copy(), W2.copy()], [b1.copy(), b2.copy()], RATE

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        held = (self.weights[0], self.biases[0], self.weights[1], self.biases[1])
        for w, g in zip(held, gradients(held, x, y), strict=True):
            w -= self.lr * g  # noqa: PLW2901  (in place, as people do it)


class Attributes:
    """An attribute each, which another array replaces."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self.W1, self.b1, self.W2, self.b2 = (w.copy() for w in weights)
        self.eta = RATE

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        g = gradients((self.W1, self.b1, self.W2, self.b2), x, y)
        self.W1, self.b1 = self.W1 - self.eta * g[0], self.b1 - self.eta * g[1]
        self.W2, self.b2 = self.W2 - self.eta * g[2], self.b2 - self.eta * g[3]


class InDict:
    """One dict of parameters and one of gradients."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self.params = dict(zip(("W1", "b1", "W2", "b2"), (w.copy() for w in weights), strict=True))
        self.grads: dict[str, Array] = {}

    def train(self, x: Array, y: Array, learning_rate: float = RATE) -> None:
        """One step."""
        self.grads = dict(zip(self.params, gradients([*self.params.values()], x, y), strict=True))
        for name in self.params:
            self.params[name] = self.params[name] - learning_rate * self.grads[name]


class Layer:
    """Its weights, gradients and last input; (n_out, n_in), as in many courses."""

    def __init__(self, W: Array, b: Array) -> None:
        self.W, self.b = W.T.copy(), b[None].copy()


class Layers:
    """A list of layers, which hold what came by."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self.layers = [Layer(*weights[:2]), Layer(*weights[2:])]

    def train(self, x: Array, y: Array) -> float:
        """One step; the loss."""
        first, second = self.layers
        first.x = x  # type: ignore[attr-defined]  # as people write it
        second.x = z = sigmoid(x @ first.W.T + first.b)  # type: ignore[attr-defined]
        error = z @ second.W.T + second.b - y
        delta = 2 * error / y.size
        for layer, d in ((second, delta), (first, delta @ second.W * z * (1 - z))):
            layer.dW, layer.db = d.T @ layer.x, d.sum(0, keepdims=True)  # type: ignore[attr-defined]
        for layer in self.layers:
            layer.W -= RATE * layer.dW  # type: ignore[attr-defined]
            layer.b -= RATE * layer.db  # type: ignore[attr-defined]
        return float((error**2).mean())


class Momentum(Lists):
    """Velocities of zeros have the shapes of the weights, and the values of new biases."""

    def __init__(self, weights: Sequence[Array]) -> None:
        super().__init__(weights)
        self.v = [np.zeros(w.shape) for pair in zip(self.weights, self.biases, strict=True) for w in pair]
        self.beta = 0.9

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        held = (self.weights[0], self.biases[0], self.weights[1], self.biases[1])
        for i, (w, g) in enumerate(zip(held, gradients(held, x, y), strict=True)):
            self.v[i] = self.beta * self.v[i] - self.lr * g
            w += self.v[i]  # noqa: PLW2901  (in place)


class Adam(Lists):
    """Another optimizer, of lr = 2⁻¹⁰: its step is no multiple of the gradients, which stay behind."""

    def __init__(self, weights: Sequence[Array]) -> None:
        super().__init__(weights)
        self.m, self.s = [0.0] * 4, [0.0] * 4

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        held = (self.weights[0], self.biases[0], self.weights[1], self.biases[1])
        self.grads = gradients(held, x, y)
        for i, (w, g) in enumerate(zip(held, self.grads, strict=True)):
            self.m[i], self.s[i] = (1 - 0.9) * g, (1 - 0.999) * g * g  # type: ignore[call-overload]  # as people write it
            w -= self.move(i)  # noqa: PLW2901  (in place)

    def move(self, i: int) -> Array:
        """Of one array, in the first step."""
        return 2**-10 * np.sqrt(1 - 0.999) / (1 - 0.9) * self.m[i] / (np.sqrt(self.s[i]) + 1e-7)


class Flat:
    """One vector, of which the matrices are views."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self.theta = np.concatenate([w.ravel() for w in weights])
        ends = np.cumsum([w.size for w in weights])
        self.views = [t.reshape(w.shape) for t, w in zip(np.split(self.theta, ends[:-1]), weights, strict=True)]

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        self.theta -= RATE * np.concatenate([g.ravel() for g in gradients(self.views, x, y)])


class Slots:
    """No `__dict__`."""

    __slots__ = ("hidden", "out", "rate")

    def __init__(self, weights: Sequence[Array]) -> None:
        self.hidden, self.out, self.rate = (
            tuple(w.copy() for w in weights[:2]),
            tuple(w.copy() for w in weights[2:]),
            RATE,
        )

    def train(self, x: Array, y: Array) -> None:
        """One step; tuples are replaced."""
        g = gradients((*self.hidden, *self.out), x, y)
        self.hidden = tuple(w - self.rate * d for w, d in zip(self.hidden, g[:2], strict=True))
        self.out = tuple(w - self.rate * d for w, d in zip(self.out, g[2:], strict=True))


class Columns:
    """W (n_out, n_in), b (n, 1), and samples in columns: it takes no rows."""

    def __init__(self, weights: Sequence[Array]) -> None:
        W1, b1, W2, b2 = weights
        self.W, self.b = [W1.T.copy(), W2.T.copy()], [b1[:, None].copy(), b2[:, None].copy()]

    def train(self, X: Array, Y: Array) -> None:
        """One step."""
        self.A = sigmoid(self.W[0] @ X + self.b[0])
        dZ2 = 2 * (self.W[1] @ self.A + self.b[1] - Y) / Y.size
        dZ1 = self.W[1].T @ dZ2 * self.A * (1 - self.A)
        for i, (dZ, A) in enumerate(((dZ1, X), (dZ2, self.A))):
            self.W[i] -= RATE * dZ @ A.T
            self.b[i] -= RATE * dZ.sum(axis=1, keepdims=True)


class Thetas:
    """The bias as the first column of Θ, as in a well-known course; gradients are left, and nothing is updated."""

    def __init__(self, weights: Sequence[Array]) -> None:
        W1, b1, W2, b2 = weights
        self.Theta1, self.Theta2 = (np.column_stack([b, W.T]) for W, b in ((W1, b1), (W2, b2)))

    def train(self, x: Array, y: Array) -> None:
        """The gradients, into attributes."""
        a1 = np.column_stack([np.ones(len(x)), x])
        z = sigmoid(a1 @ self.Theta1.T)
        a2 = np.column_stack([np.ones(len(x)), z])
        d3 = 2 * (a2 @ self.Theta2.T - y) / y.size
        d2 = d3 @ self.Theta2[:, 1:] * z * (1 - z)
        self.Theta1_grad, self.Theta2_grad = d2.T @ a1, d3.T @ a2


class PurePython:
    """Lists of lists of floats, without NumPy."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self.weights, self.biases = (
            [weights[0].tolist(), weights[2].tolist()],
            [weights[1].tolist(), weights[3].tolist()],
        )

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        held = [np.array(w) for w in (self.weights[0], self.biases[0], self.weights[1], self.biases[1])]
        g = gradients(held, x, y)
        for i in range(2):
            for j in range(len(self.biases[i])):
                self.biases[i][j] -= RATE * g[2 * i + 1][j]
                for k in range(len(self.weights[i])):
                    self.weights[i][k][j] -= RATE * g[2 * i][k, j]


class Neuron:
    """Its weights in a list, and a bias."""

    def __init__(self, weights: list[float], bias: float) -> None:
        self.weights, self.bias = weights, bias


class Neurons:
    """An object for each neuron."""

    def __init__(self, weights: Sequence[Array]) -> None:
        W1, b1, W2, b2 = weights
        pairs = ((W1, b1), (W2, b2))
        self.layers = [[Neuron(w.tolist(), float(c)) for w, c in zip(W.T, b, strict=True)] for W, b in pairs]

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        held = [
            a
            for layer in self.layers
            for a in (np.array([n.weights for n in layer]).T, np.array([n.bias for n in layer]))
        ]
        g = gradients(held, x, y)
        for i, layer in enumerate(self.layers):
            for j, neuron in enumerate(layer):
                neuron.bias -= RATE * float(g[2 * i + 1][j])
                for k in range(len(neuron.weights)):
                    neuron.weights[k] -= RATE * float(g[2 * i][k, j])


class Called:
    """An object that is called, and returns (loss, gradients)."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self.weights = np.empty(4, dtype=object)
        for i, w in enumerate(weights):
            self.weights[i] = w.copy()

    def __call__(self, x: Array, y: Array) -> tuple[float, list[Array]]:
        """E is left to others; the gradients."""
        return 0.0, gradients([*self.weights], x, y)


def closure(weights: Sequence[Array]) -> Step:
    """Variables of the function around it."""
    W1, b1, W2, b2 = (w.copy() for w in weights)

    def train(x: Array, y: Array) -> None:
        nonlocal W1, b1, W2, b2
        g = gradients((W1, b1, W2, b2), x, y)
        W1, b1, W2, b2 = W1 - RATE * g[0], b1 - RATE * g[1], W2 - RATE * g[2], b2 - RATE * g[3]

    return train


_SCRIPT = """
import numpy as np
lr = 0.3
def forward(x):
    global z
    z = 1 / (1 + np.exp(-(x @ W1 + b1)))
    return z @ W2 + b2
def train(x, y):
    global W1
    d2 = 2 * (forward(x) - y) / y.size
    d1 = d2 @ W2.T * z * (1 - z)
    W1 = W1 - lr * x.T @ d1
    b1[:] -= lr * d1.sum(0)
    W2[:] -= lr * z.T @ d2
    b2[:] -= lr * d2.sum(0)
"""


def script(weights: Sequence[Array]) -> Step:
    """Globals of a script, of which the step itself names only some."""
    names: dict[str, Any] = dict(zip(("W1", "b1", "W2", "b2"), (w.copy() for w in weights), strict=True))
    exec(_SCRIPT, names)
    step: Step = names["train"]
    return step


def _functional(weights: Mapping[str, Array], x: Array, y: Array) -> dict[str, Array]:
    return dict(zip(weights, gradients([*weights.values()], x, y), strict=True))


def partial(weights: Sequence[Array]) -> Step:
    """A function of weights and data, with its weights given, that returns its gradients by name."""
    held = dict(zip(("dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"), weights, strict=True))
    return functools.partial(_functional, {n: w.copy() for n, w in held.items()})


def defaults(weights: Sequence[Array]) -> Step:
    """Arrays as default arguments."""
    W1, b1, W2, b2 = (w.copy() for w in weights)

    def train(x: Array, y: Array, W1: Array = W1, b1: Array = b1, W2: Array = W2, b2: Array = b2) -> list[Array]:
        return gradients((W1, b1, W2, b2), x, y)

    return train


Pair = namedtuple("Pair", "kernel bias")


class Named:
    """Named tuples in a tuple, replaced as a whole."""

    def __init__(self, weights: Sequence[Array]) -> None:
        self.state = (Pair(*(w.copy() for w in weights[:2])), Pair(*(w.copy() for w in weights[2:])))

    def train(self, x: Array, y: Array) -> None:
        """One step."""
        g = gradients([w for pair in self.state for w in pair], x, y)
        first, second = self.state
        self.state = (
            Pair(first.kernel - RATE * g[0], first.bias - RATE * g[1]),
            Pair(second.kernel - RATE * g[2], second.bias - RATE * g[3]),
        )


CLASSES = (
    *(Lists, Attributes, InDict, Layers, Momentum, Adam, Flat, Slots),
    *(Columns, Thetas, PurePython, Neurons, Named),
)


def _method_of(kind: Any) -> Maker:
    """A maker of the step of a fresh object."""

    def make(weights: Sequence[Array]) -> Step:
        step: Step = kind(weights).train
        return step

    return make


STEPS: dict[str, Maker] = {
    **{kind.__name__.lower(): _method_of(kind) for kind in CLASSES},
    "called": Called,
    "closure": closure,
    "script": script,
    "partial": partial,
    "defaults": defaults,
}
"""Kind → what makes a step of it."""
