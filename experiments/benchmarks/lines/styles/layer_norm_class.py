"""Layers as objects: dense ones, each of the hidden ones followed by a normalisation of every sample."""

import numpy as np


class Dense:
    def __init__(self, W, b, last):
        self.W, self.b, self.last = W, b, last

    def forward(self, x):
        self.x = x
        self.u = x @ self.W + self.b
        self.z = self.u if self.last else 1 / (1 + np.exp(-self.u))
        return self.z

    def backward(self, dz):
        du = dz if self.last else dz * self.z * (1 - self.z)
        self.grads = [self.x.T @ du, du.sum(axis=0)]
        return du @ self.W.T


class LayerNorm:
    def __init__(self, gamma, beta, eps=1e-3):
        self.gamma, self.beta, self.eps = gamma, beta, eps

    def forward(self, x):
        mean = x.mean(axis=-1, keepdims=True)
        var = ((x - mean) ** 2).mean(axis=-1, keepdims=True)
        self.std = np.sqrt(var + self.eps)
        self.norm = (x - mean) / self.std
        return self.gamma * self.norm + self.beta

    def backward(self, dz):
        self.grads = [np.sum(dz * self.norm, axis=0), np.sum(dz, axis=0)]
        g = dz * self.gamma
        mean_g = g.mean(axis=-1, keepdims=True)
        mean_gn = (g * self.norm).mean(axis=-1, keepdims=True)
        return (g - mean_g - self.norm * mean_gn) / self.std


class Network:
    def __init__(self, params):
        p = iter(params.values())
        self.layers = [
            Dense(next(p), next(p), last=False),
            LayerNorm(next(p), next(p)),
            Dense(next(p), next(p), last=False),
            LayerNorm(next(p), next(p)),
            Dense(next(p), next(p), last=True),
        ]

    def gradients(self, x, y):
        out = x
        for layer in self.layers:
            out = layer.forward(out)
        delta = 2 * (out - y) / y.size
        for layer in reversed(self.layers):
            delta = layer.backward(delta)
        return [grad for layer in self.layers for grad in layer.grads]


def gradients(params, x, y):
    return Network(params).gradients(x, y)
