"""All weights live in ONE vector; kernels and offsets are views of it.

Samples come one by one out of a zip. Their slopes are added up, the vector moves once,
and what the caller gets as gradient is how far it moved: (before - after) / RATE.
"""

from itertools import accumulate

import numpy as np

RATE = 256.0  # a power of two, and large: before - after then keeps its digits


def hump(v):
    return 1 / (1 + np.exp(-v))


def hump_slope(out):
    return out * (1 - out)


def result(v):
    return v


def carve(vector, sizes):
    """[(kernel, offset), ...]: views, nothing is copied"""
    lengths = [n for a, b in zip(sizes, sizes[1:]) for n in (a * b, b)]
    ends = list(accumulate(lengths))
    pieces = [vector[end - n : end] for n, end in zip(lengths, ends)]
    shapes = list(zip(sizes, sizes[1:]))
    return [(k.reshape(shape), o) for k, o, shape in zip(pieces[::2], pieces[1::2], shapes)]


def ahead(layers, row):
    """what enters each layer, and what comes out of the last"""
    trail = [row]
    *inner, (kernel, offset) = layers
    for k, o in inner:
        trail.append(hump(trail[-1] @ k + o))
    return trail, result(trail[-1] @ kernel + offset)


def back(layers, slopes, trail, miss):
    """adds one sample's slopes, last layer first"""
    flow = miss
    for (k, _), (dk, do), entered in zip(reversed(layers), reversed(slopes), reversed(trail)):
        dk += np.outer(entered, flow)
        do += flow
        flow = k @ flow
        flow *= hump_slope(entered)


def gradients(parameters, x, y):
    names = list(parameters)
    kernels = [parameters[name] for name in names[::2]]
    sizes = [kernels[0].shape[0], *(k.shape[1] for k in kernels)]

    theta = np.concatenate([parameters[name].ravel() for name in names])
    slope = np.zeros_like(theta)
    layers, slopes = carve(theta, sizes), carve(slope, sizes)

    for row, wanted in zip(x, y):
        trail, got = ahead(layers, row)
        miss = 2 * (got - wanted) / y.size
        back(layers, slopes, trail, miss)

    before = theta.copy()
    theta -= RATE * slope
    moved = (before - theta) / RATE
    return [part for pair in carve(moved, sizes) for part in pair]
