"""Activations and errors written for one number, and np.vectorize to use them on arrays."""

import math

import numpy as np


def act_of_number(u):
    return math.tanh(u)


def slope_of_number(u):
    return 1 - math.tanh(u) ** 2


def error_of_number(p, t):
    return 2 * (p - t)


act = np.vectorize(act_of_number)
slope = np.vectorize(slope_of_number)
error = np.vectorize(error_of_number)


def last(u):
    return u


def gradients(params, x, t):
    W1, b1, W2, b2, W3, b3 = params.values()
    N, K = t.shape

    u1 = x @ W1 + b1
    h1 = act(u1)
    u2 = h1 @ W2 + b2
    h2 = act(u2)
    u3 = h2 @ W3 + b3
    p = last(u3)

    d3 = error(p, t) / (N * K)
    dW3, db3 = h2.T @ d3, d3.sum(axis=0)
    d2 = np.multiply(d3 @ W3.T, slope(u2))
    dW2, db2 = h1.T @ d2, d2.sum(axis=0)
    d1 = np.multiply(d2 @ W2.T, slope(u1))
    dW1, db1 = x.T @ d1, d1.sum(axis=0)
    return [dW1, db1, dW2, db2, dW3, db3]
