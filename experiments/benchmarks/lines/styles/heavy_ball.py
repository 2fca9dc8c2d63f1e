"""Heavy-ball momentum on gradients that are gathered over mini-batches, with a dict per layer."""

import numpy as np

SIZE = 3
BETA = 0.9


def g(h):
    return np.tanh(h)


def g_prime(h):
    return 1.0 - np.tanh(h) ** 2


def head(h):
    return h


def head_error(out, want, total):
    return 2.0 * (out - want) / (total * want.shape[1])


def make_layers(params):
    layers = []
    count = len(params) // 2
    for i in range(1, count + 1):
        W, b = params[f"dense_{i}/kernel"], params[f"dense_{i}/bias"]
        layers.append({"W": W, "b": b, "dW": np.zeros(W.shape), "db": np.zeros(b.shape)})
    return layers


def forward(layers, x):
    out = x
    for layer in layers:
        layer["in"] = out
        layer["h"] = out @ layer["W"] + layer["b"]
        out = head(layer["h"]) if layer is layers[-1] else g(layer["h"])
    return out


def backward(layers, error):
    for i in reversed(range(len(layers))):
        layer = layers[i]
        layer["dW"] += layer["in"].T @ error
        layer["db"] += error.sum(0)
        if i:
            error = error @ layer["W"].T
            error *= g_prime(layers[i - 1]["h"])


def epoch(layers, x, want, moments):
    order = np.arange(len(x))[::-1]
    for layer in layers:
        layer["dW"][...] = 0.0
        layer["db"][...] = 0.0
    for first in range(0, len(order), SIZE):
        chosen = order[first : first + SIZE]
        out = forward(layers, x[chosen])
        backward(layers, head_error(out, want[chosen], len(x)))
    for layer, moment in zip(layers, moments):
        moment["W"] = BETA * moment["W"] + layer["dW"]
        moment["b"] = BETA * moment["b"] + layer["db"]


def gradients(params, x, want):
    layers = make_layers(params)
    moments = [{"W": 0.0, "b": 0.0} for _ in layers]
    epoch(layers, x, want, moments)
    found = {}
    for i, moment in enumerate(moments, start=1):
        found[f"dense_{i}/kernel"] = moment["W"]
        found[f"dense_{i}/bias"] = moment["b"]
    return found
