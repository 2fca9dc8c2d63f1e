"""Momentum over an epoch: the small batches add to the velocity, then the weights move."""

import numpy as np


def act(u):
    return np.tanh(u)


def slope(u):
    return 1 - np.tanh(u) ** 2


def squash(u):
    return u


class Trainer:
    def __init__(self, widths, seed=0, rate=0.1, momentum=0.9, size=3):
        random = np.random.default_rng(seed)
        self.weights = [0.5 * random.normal(size=pair) for pair in zip(widths[:-1], widths[1:])]
        self.biases = [0.5 * random.normal(size=n) for n in widths[1:]]
        self.rate, self.momentum, self.size = rate, momentum, size
        self.rest()

    def rest(self):
        self.v_weights = [np.zeros(W.shape) for W in self.weights]
        self.v_biases = [np.zeros(b.shape) for b in self.biases]

    def forward(self, x):
        self.sums, self.outs = [], [x]
        last = len(self.weights) - 1
        for i, (W, b) in enumerate(zip(self.weights, self.biases)):
            u = self.outs[-1].dot(W) + b
            self.sums.append(u)
            self.outs.append(squash(u) if i == last else act(u))
        return self.outs[-1]

    def error(self, p, t, n):
        return 2 * (p - t) / (n * t.shape[1])

    def backward(self, delta):
        """Adds what this batch asks for to the velocity."""
        for i in reversed(range(len(self.weights))):
            self.v_weights[i] += self.outs[i].T.dot(delta)
            self.v_biases[i] += delta.sum(axis=0)
            if i > 0:
                delta = delta.dot(self.weights[i].T) * slope(self.sums[i - 1])

    def decay(self):
        for v in self.v_weights + self.v_biases:
            v *= self.momentum

    def move(self):
        for value, v in zip(self.weights + self.biases, self.v_weights + self.v_biases):
            value -= self.rate * v

    def epoch(self, x, t):
        self.decay()
        for start in range(0, len(x), self.size):
            some = slice(start, start + self.size)
            p = self.forward(x[some])
            self.backward(self.error(p, t[some], len(x)))
        self.move()
