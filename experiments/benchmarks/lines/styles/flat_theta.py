"""Cost and gradient of one parameter vector theta, as optimisers want them."""
import numpy as np


def unroll(theta, sizes):
    """Views of theta: [(W1, b1), (W2, b2), ...]"""
    views, at = [], 0
    for n_in, n_out in zip(sizes[:-1], sizes[1:]):
        W = theta[at:at + n_in * n_out].reshape(n_in, n_out)
        at += n_in * n_out
        b = theta[at:at + n_out]
        at += n_out
        views.append((W, b))
    return views


def g(z):
    return 1 / (1 + np.exp(-z))


def g_grad(z):
    return g(z) * (1 - g(z))


def cost_and_grad(theta, sizes, X, Y):
    layers = unroll(theta, sizes)
    m, k = Y.shape
    grad = np.zeros_like(theta)
    grads = unroll(grad, sizes)

    a, A, Z = X, [X], []
    for W, b in layers:
        z = a @ W + b
        a = g(z)
        Z.append(z)
        A.append(a)
    h = Z[-1]

    J = ((h - Y) ** 2).sum() / (m * k)
    delta = 2 / (m * k) * (h - Y)
    for l in range(len(layers) - 1, -1, -1):
        gW, gb = grads[l]
        gW[:] = A[l].T @ delta
        gb[:] = delta.sum(axis=0)
        if l > 0:
            W, b = layers[l]
            delta = (delta @ W.T) * g_grad(Z[l - 1])
    return J, grad


def gradients(parameters, x, y):
    kernels = [v for k, v in parameters.items() if "kernel" in k]
    sizes = [len(kernels[0])] + [W.shape[1] for W in kernels]
    theta = np.concatenate([v.ravel() for v in parameters.values()])
    J, grad = cost_and_grad(theta, sizes, x, y)
    return grad
