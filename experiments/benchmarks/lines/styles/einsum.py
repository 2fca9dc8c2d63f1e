"""Backpropagation in index notation: n sample, i input unit, o output unit of a layer."""

import numpy as np


def act(u):
    return np.tanh(u)


def act_slope(u):
    return 1 - np.tanh(u) ** 2


def gradients(parameters, x, y):
    kernels = [v for k, v in parameters.items() if k.endswith("kernel")]
    biases = [v for k, v in parameters.items() if k.endswith("bias")]
    depth = len(kernels)

    zs, us = [x], []
    for kernel, bias in zip(kernels, biases):
        us.append(np.einsum("ni,io->no", zs[-1], kernel) + bias)
        zs.append(act(us[-1]))
    zs[-1] = us[-1]  # no activation on the output

    count = np.prod(y.shape)
    slope = np.einsum("no,->no", zs[-1] - y, 2 / count)  # dE/du of the layer at hand
    result = []
    for layer in range(depth - 1, -1, -1):
        grad_kernel = np.einsum("ni,no->io", zs[layer], slope)
        grad_bias = np.einsum("no->o", slope)
        result = [grad_kernel, grad_bias] + result
        if layer > 0:
            down = np.tensordot(slope, kernels[layer], axes=([1], [1]))
            slope = np.einsum("ni,ni->ni", down, act_slope(us[layer - 1]))
    return result
