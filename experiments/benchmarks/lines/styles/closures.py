"""Reverse mode with closures: each step forward leaves a function that goes the same step back."""

import numpy as np


def affine(z, W, b, put):
    def pull(du):
        put(z.T @ du, np.sum(du, axis=0))
        return du @ W.T

    return z @ W + b, pull


def logistic(u):
    z = 1 / (1 + np.exp(-u))
    return z, lambda dz: dz * z * (1 - z)


def mean_squares(z, y):
    r = z - y
    return np.mean(r * r), lambda seed: seed * 2 * r / r.size


def gradients(parameters, x, y):
    names = sorted({key.split("/")[0] for key in parameters})
    grads = {key: np.zeros_like(value) for key, value in parameters.items()}
    pulls = []

    z = x
    for name in names:

        def put(dW, db, name=name):
            grads[name + "/kernel"] = dW
            grads[name + "/bias"] = db

        z, pull = affine(z, parameters[name + "/kernel"], parameters[name + "/bias"], put)
        pulls.append(pull)
        if name != names[-1]:
            z, pull = logistic(z)
            pulls.append(pull)

    loss, pull = mean_squares(z, y)
    g = pull(1.0)
    for pull in reversed(pulls):
        g = pull(g)
    return loss, grads
