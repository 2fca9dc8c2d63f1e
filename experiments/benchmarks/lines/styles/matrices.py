"""Backpropagation for a network with two hidden layers, one matrix after the other."""

import numpy as np


def sigmoid(a):
    return 1.0 / (1.0 + np.exp(-a))


def sigmoid_prime(a):
    s = sigmoid(a)
    return s * (1.0 - s)


def gradients(parameters, x, y):
    W1, b1 = parameters["dense_1/kernel"], parameters["dense_1/bias"]
    W2, b2 = parameters["dense_2/kernel"], parameters["dense_2/bias"]
    W3, b3 = parameters["dense_3/kernel"], parameters["dense_3/bias"]
    n, k = y.shape

    # forward
    a1 = x @ W1 + b1
    h1 = sigmoid(a1)
    a2 = h1 @ W2 + b2
    h2 = sigmoid(a2)
    out = h2 @ W3 + b3

    # backward, E = mean of squares
    d3 = 2.0 * (out - y) / (n * k)
    gW3 = h2.T @ d3
    gb3 = d3.sum(axis=0)

    d2 = (d3 @ W3.T) * sigmoid_prime(a2)
    gW2 = h1.T @ d2
    gb2 = d2.sum(axis=0)

    d1 = (d2 @ W2.T) * sigmoid_prime(a1)
    gW1 = x.T @ d1
    gb1 = d1.sum(axis=0)

    return {
        "dense_1/kernel": gW1,
        "dense_1/bias": gb1,
        "dense_2/kernel": gW2,
        "dense_2/bias": gb2,
        "dense_3/kernel": gW3,
        "dense_3/bias": gb3,
    }
