"""Sample by sample with zip, vectors in the forward pass and outer products in the backward pass."""

import numpy as np


def sigma(s):
    return np.tanh(s)


def sigma_prime(s):
    return 1 - np.tanh(s) ** 2


def top(s):
    return s


def cost_prime(p, t):
    return 2 * (p - t) / len(t)


def one_sample(weights, biases, xi, ti):
    acts, sums = [xi], []
    for W, b in zip(weights, biases):
        sums.append(acts[-1] @ W + b)
        acts.append(sigma(sums[-1]))
    p = top(sums[-1])
    nabla_w, nabla_b = [], []
    delta = cost_prime(p, ti)
    below = [None] + sums[:-1]
    for W, a, s in reversed(list(zip(weights, acts, below))):
        nabla_w.insert(0, np.outer(a, delta))
        nabla_b.insert(0, delta)
        if s is not None:
            delta = W @ delta * sigma_prime(s)
    return nabla_w, nabla_b


def gradients(parameters, x, t):
    weights = [v for k, v in parameters.items() if k.endswith("kernel")]
    biases = [v for k, v in parameters.items() if k.endswith("bias")]
    total_w = [np.zeros(W.shape) for W in weights]
    total_b = [np.zeros(b.shape) for b in biases]
    for xi, ti in zip(x, t):
        nabla_w, nabla_b = one_sample(weights, biases, xi, ti)
        total_w = [s + n for s, n in zip(total_w, nabla_w)]
        total_b = [s + n for s, n in zip(total_b, nabla_b)]
    grads = {}
    for name, total in zip(parameters, [v for pair in zip(total_w, total_b) for v in pair]):
        grads[name] = total / len(x)
    return grads
