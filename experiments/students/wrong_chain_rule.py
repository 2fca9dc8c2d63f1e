"""The chain rule, line by line, and what can go wrong in each."""

from __future__ import annotations

import numpy as np

from experiments.students.attempt import Attempt
from experiments.students.slips import AFTER_DROPOUT, Slip
from experiments.students.wrong_activations import df, df_of_z, jacobian, wrong_derivatives
from manual_mlp import Array


def pull(attempt: Attempt, i: int, g: Array) -> Array:
    """δ = dE/dz ⊙ f′(u)."""
    u, z, name = attempt.u[i], attempt.a[i + 1], attempt.f[i]
    g = attempt.g[i] = undropped(attempt, i, g)
    if name == "softmax":
        return off_axis(attempt.slip("softmax_axis", i), z, g)
    slope = df(name, u)
    if (missing := attempt.slip("missing_derivative", i)) and missing.form != "own gradients":
        return g
    if attempt.slip("derivative_sign", i):
        slope = {"sigmoid": z * (z - 1), "tanh": z**2 - 1}.get(name, -slope)
    if attempt.slip("derivative_at_output", i):
        slope = df(name, z)
    if slip := attempt.slip("derivative_wrong", i):
        z = attempt.z[i + 1] if slip.form == AFTER_DROPOUT else z
        slope = df_of_z(name, z) if slip.form == AFTER_DROPOUT else wrong_derivatives(name)[slip.form](u, z)
    if slip := attempt.slip("wrong_layer_derivative", i):
        slope = df(name, attempt.u[int(slip.value)])
    if attempt.slip("local_replaces_upstream", i):
        return slope
    if slip := attempt.slip("relu_mask", i):
        return masked(slip, u, g)
    if (slip := attempt.slip("elementwise_for_matmul", i)) and slip.form == "derivative":
        return g @ slope
    return g * slope


def off_axis(slip: Slip | None, p: Array, g: Array) -> Array:
    """Softmax's pullback, its sum along another axis where that slip is made."""
    if slip is None:
        return jacobian(p, g)
    if slip.form == "everything":
        return p * g - p * np.sum(p * g)
    columns = np.einsum("nk,nk->k", p, g) if slip.form == "samples" else np.einsum("nk,nk->n", p, g)
    return p * g - p * columns


def undropped(attempt: Attempt, i: int, g: Array) -> Array:
    """dE/dz ⊙ m."""
    m = attempt.m[i + 1]
    if m is None:
        return g
    if slip := attempt.slip("dropout_mask_missing", i):
        return g * m.max() if slip.form == "scale without mask" else g
    slip = attempt.slip("dropout_scale_missing", i)
    if slip and slip.form == "mask twice":
        return g * m * m
    return np.where(m > 0, g, 0) if slip and slip.form in ("backward", "both") else g * m


def masked(slip: Slip, u: Array, g: Array) -> Array:
    """ReLU's backward pass with another mask."""
    g = g.copy()
    if slip.form == "u >= 0":
        g[u < 0] = 0
    elif slip.form == "u < 0":
        g[u >= 0] = 0
    elif slip.form == "g > 0":
        g[g <= 0] = 0
    elif slip.form == "g > 0 and u > 0":
        g[(g <= 0) | (u <= 0)] = 0
    return g


def kernel(attempt: Attempt, i: int, delta: Array) -> Array:
    """dE/dW = z_prevᵀ δ."""
    z, delta = attempt.z[i], undifferentiated(attempt, i, delta)
    if slip := attempt.slip("wrong_input", i):
        if slip.form == "next layer's":  # article C: both indices one too high
            return attempt.z[i + 1].T @ attempt.above
        z = {"own z": attempt.z[i + 1], "x": attempt.x, "u": attempt.u[i - 1], "unmasked": attempt.a[i]}.get(
            slip.form, attempt.z[int(slip.value)]
        )
    if slip := attempt.slip("batch_misaligned", i):
        z = np.roll(z, int(slip.value), axis=0)
    if (slip := attempt.slip("elementwise_for_matmul", i)) and slip.form == "kernel":
        return z * delta
    dW = delta.T @ z if attempt.slip("transposed", i) else z.T @ delta
    if slip := attempt.slip("batch_mean_twice", i):
        dW = dW / attempt.real(attempt.N)
    return np.asarray(dW)


def bias(attempt: Attempt, i: int, delta: Array) -> Array:
    """dE/db = Σ_N δ."""
    delta = undifferentiated(attempt, i, delta)
    db = delta.sum(axis=0)
    if attempt.slip("bias_mean", i):
        db = delta.mean(axis=0)
    if (slip := attempt.slip("bias_column", i)) and slip.form != "forward":
        return grown(slip, delta)
    if attempt.slip("bias_not_summed", i):
        return delta
    if slip := attempt.slip("bias_summed_over_all", i):
        if slip.form == "units":
            return delta.sum(axis=1)
        return np.asarray(np.sum(delta)) if slip.form == "number" else np.full_like(db, np.sum(delta))
    if (slip := attempt.slip("batch_mean_twice", i)) and slip.form != "kernels":
        db = db / attempt.real(attempt.N)
    return np.asarray(db)


def undifferentiated(attempt: Attempt, i: int, delta: Array) -> Array:
    """dE/dz where a layer's own gradients take it for δ."""
    slip = attempt.slip("missing_derivative", i)
    return attempt.g[i] if slip and slip.form == "own gradients" else delta


def grown(slip: Slip, delta: Array) -> Array:
    """Summed sample by sample into a column, or as a column into a row of zeros."""
    if slip.form == "columns":
        return np.zeros(delta.shape[1], delta.dtype) + delta.sum(axis=0)[:, None]
    total = np.zeros((delta.shape[1], 1), delta.dtype)
    for row in delta:
        total = total + row
    return np.asarray(total)


def down(attempt: Attempt, i: int, delta: Array) -> Array:
    """dE/dz_prev = δ Wᵀ."""
    W = attempt.W[i]
    if attempt.slip("derivative_not_sent_down", i):
        delta = attempt.g.get(i, delta)  # the errors, as one book calls them
    if attempt.slip("backprop_untransposed", i):
        return delta @ W
    if slip := attempt.slip("wrong_kernel", i):
        W = attempt.W[int(slip.value)]
    if (slip := attempt.slip("elementwise_for_matmul", i)) and slip.form == "down":
        return delta * W
    return delta @ W.T
