"""Mini-batch SGD with momentum.

One call of `train_on` is one *step*: the batch goes through the network in small
pieces (it need not fit into memory), the pieces' gradients are accumulated, and
then every weight moves once, with momentum.
"""

import numpy as np


class Hidden:
    @staticmethod
    def forward(s):
        return np.maximum(s, 0.0)

    @staticmethod
    def backward(s, out):
        return (s > 0).astype(s.dtype)


class Output:
    @staticmethod
    def forward(s):
        e = np.exp(s - s.max(axis=1, keepdims=True))
        return e / e.sum(axis=1, keepdims=True)

    @staticmethod
    def grad(out, target):
        """dE/ds, summed over the samples; E is the cross entropy"""
        return out - target


class Trainer:
    def __init__(self, sizes, lr=0.05, momentum=0.9, piece=4, seed=0):
        rng = np.random.default_rng(seed)
        self.lr, self.momentum, self.piece = lr, momentum, piece
        self.layers = []
        self.velocity = []
        for n_in, n_out in zip(sizes[:-1], sizes[1:]):
            scale = np.sqrt(2.0 / n_in)
            self.layers.append({"kernel": scale * rng.standard_normal((n_in, n_out)), "bias": 0.1 * rng.standard_normal(n_out)})
            self.velocity.append({"kernel": np.zeros((n_in, n_out)), "bias": np.zeros(n_out)})

    def forward(self, inputs):
        self.inputs, self.sums = [], []
        signal = inputs
        for depth, layer in enumerate(self.layers):
            self.inputs.append(signal)
            s = signal @ layer["kernel"] + layer["bias"]
            self.sums.append(s)
            f = Output if depth == len(self.layers) - 1 else Hidden
            signal = f.forward(s)
        return signal

    def piece_gradients(self, inputs, targets):
        grads = [None] * len(self.layers)
        out = self.forward(inputs)
        delta = Output.grad(out, targets)
        for depth in reversed(range(len(self.layers))):
            grads[depth] = {
                "kernel": self.inputs[depth].T @ delta,
                "bias": delta.sum(axis=0),
            }
            if depth:
                error = delta @ self.layers[depth]["kernel"].T
                delta = error * Hidden.backward(self.sums[depth - 1], self.inputs[depth])
        return grads

    def train_on(self, x, y):
        total = [{name: np.zeros_like(w) for name, w in layer.items()} for layer in self.layers]
        for start in range(0, len(x), self.piece):
            part = slice(start, start + self.piece)
            grads = self.piece_gradients(x[part], y[part])
            for mine, g in zip(total, grads):
                for name in mine:
                    mine[name] += g[name] / len(x)

        for layer, v, g in zip(self.layers, self.velocity, total):
            for name in layer:
                v[name] = self.momentum * v[name] - self.lr * g[name]
                layer[name] += v[name]
