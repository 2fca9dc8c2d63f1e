#!/usr/bin/env python3
"""
Gradient of a feed-forward network, one COLUMN per pattern.

Symbols follow the lab's note:
    net_k = M_k out_{k-1} + t_k,     out_k = act(net_k)
    s_k   = sensitivity = d(cost)/d(net_k)
"""
import math

import numpy as np


def act_scalar(v):
    if v < -40.0:
        return 0.0
    return 1.0 / (1.0 + math.exp(-v))


def dact_scalar(v):
    f = act_scalar(v)
    return f * (1.0 - f)


act = np.vectorize(act_scalar, otypes=[float])
dact = np.vectorize(dact_scalar, otypes=[float])


def last(v):
    return v


def propagate(M, t, incoming):
    """net input of a layer"""
    return np.dot(M, incoming) + t


def sensitivity_last(response, desired, n_patterns, n_units):
    return np.multiply(2.0 / (n_patterns * n_units), np.subtract(response, desired))


def sensitivity_inner(M_above, s_above, net, derivative):
    carried = np.dot(np.transpose(M_above), s_above)
    return np.multiply(carried, derivative(net))


def slope_of_matrix(s, incoming):
    return np.dot(s, np.transpose(incoming))


def slope_of_threshold(s, n_patterns):
    return np.dot(s, np.ones((n_patterns, 1)))


def gradients(parameters, x, y):
    M1 = np.transpose(parameters["dense_1/kernel"])
    t1 = np.reshape(parameters["dense_1/bias"], (-1, 1))
    M2 = np.transpose(parameters["dense_2/kernel"])
    t2 = np.reshape(parameters["dense_2/bias"], (-1, 1))
    M3 = np.transpose(parameters["dense_3/kernel"])
    t3 = np.reshape(parameters["dense_3/bias"], (-1, 1))
    patterns, desired = np.transpose(x), np.transpose(y)
    n_patterns, n_units = x.shape[0], y.shape[1]

    net1 = propagate(M1, t1, patterns)
    out1 = act(net1)
    net2 = propagate(M2, t2, out1)
    out2 = act(net2)
    net3 = propagate(M3, t3, out2)
    out3 = last(net3)

    s3 = sensitivity_last(out3, desired, n_patterns, n_units)
    s2 = sensitivity_inner(M3, s3, net2, dact)
    s1 = sensitivity_inner(M2, s2, net1, dact)

    result = []
    for s, incoming in ((s1, patterns), (s2, out1), (s3, out2)):
        result.append(np.transpose(slope_of_matrix(s, incoming)))
        result.append(np.ravel(slope_of_threshold(s, n_patterns)))
    return result
