"""Stochastic gradient descent with momentum, an epoch of small batches at a time; gradients are gathered in lists."""

import numpy as np


def activate(s):
    return np.tanh(s)


def activate_prime(a):
    return 1 - a**2


def output(s):
    return s


def output_error(y_hat, y):
    return 2 * (y_hat - y) / y.shape[1]


def minibatches(x, y, batch_size):
    for i in range(0, len(x), batch_size):
        yield x[i : i + batch_size], y[i : i + batch_size]


class Mlp:
    def __init__(self, sizes, seed, lr=0.2, mu=0.8, batch_size=4):
        rng = np.random.default_rng(seed)
        self.weights = [rng.normal(0, 0.6, (m, n)) for m, n in zip(sizes, sizes[1:])]
        self.biases = [rng.normal(0, 0.6, (1, n)) for n in sizes[1:]]
        self.lr, self.mu, self.batch_size = lr, mu, batch_size
        self.vel_w = [np.zeros_like(w) for w in self.weights]
        self.vel_b = [np.zeros_like(b) for b in self.biases]

    def feed(self, x):
        activations = [x]
        for w, b in zip(self.weights[:-1], self.biases[:-1]):
            activations.append(activate(np.dot(activations[-1], w) + b))
        activations.append(output(np.dot(activations[-1], self.weights[-1]) + self.biases[-1]))
        return activations

    def batch_gradients(self, x, y):
        """Means over one batch."""
        m = len(x)
        activations = self.feed(x)
        grad_w = [None] * len(self.weights)
        grad_b = [None] * len(self.biases)
        delta = output_error(activations[-1], y)
        grad_w[-1] = np.dot(activations[-2].T, delta) / m
        grad_b[-1] = np.sum(delta, axis=0, keepdims=True) / m
        for l in range(2, len(self.weights) + 1):
            delta = np.dot(delta, self.weights[-l + 1].T) * activate_prime(activations[-l])
            grad_w[-l] = np.dot(activations[-l - 1].T, delta) / m
            grad_b[-l] = np.sum(delta, axis=0, keepdims=True) / m
        return grad_w, grad_b

    def epoch(self, x, y):
        sum_w = [np.zeros_like(w) for w in self.weights]
        sum_b = [np.zeros_like(b) for b in self.biases]
        for xb, yb in minibatches(x, y, self.batch_size):
            grad_w, grad_b = self.batch_gradients(xb, yb)
            part = len(xb) / len(x)
            sum_w = [s + part * g for s, g in zip(sum_w, grad_w)]
            sum_b = [s + part * g for s, g in zip(sum_b, grad_b)]
        self.vel_w = [self.mu * v - self.lr * g for v, g in zip(self.vel_w, sum_w)]
        self.vel_b = [self.mu * v - self.lr * g for v, g in zip(self.vel_b, sum_b)]
        self.weights = [w + v for w, v in zip(self.weights, self.vel_w)]
        self.biases = [b + v for b, v in zip(self.biases, self.vel_b)]
