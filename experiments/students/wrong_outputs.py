"""What a student differentiates, and how it can be the wrong thing: targets, loss, and δ of the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from experiments.students.attempt import Attempt
from experiments.students.slips import Slip
from experiments.students.wrong_activations import f, jacobian
from experiments.students.wrong_chain_rule import pull
from manual_mlp import Array

SQUARED: dict[str, Callable[[int, int], float]] = {  # loss → c of E = c Σ (y_pred − y)²
    "half_sum_squared_error": lambda n, k: 0.5,
    "sum_squared_error": lambda n, k: 1.0,
    "quadratic_cost": lambda n, k: 0.5 / n,
    "mean_squared_error": lambda n, k: 1 / (n * k),
}
CROSS: dict[str, tuple[str, Callable[[int, int], float]]] = {  # loss → (activation it belongs to, c)
    "binary_crossentropy": ("sigmoid", lambda n, k: 1 / (n * k)),
    "categorical_crossentropy": ("softmax", lambda n, k: 1 / n),
    "sparse_categorical_crossentropy": ("softmax", lambda n, k: 1 / n),
}


Slope = Callable[[Array, Array], Array]
OTHERS: dict[str, Slope] = {  # loss → dℓ/dz
    "mean_absolute_error": lambda z, y: np.sign(z - y),
    "mean_absolute_percentage_error": lambda z, y: 100 * np.sign(z - y) / np.abs(y),
    "mean_squared_logarithmic_error": lambda z, y: 2 * np.log((1 + z) / (1 + y)) / (1 + z),
    "log_cosh": lambda z, y: np.tanh(z - y),
    "hinge": lambda z, y: -y * (y * z < 1),
    "squared_hinge": lambda z, y: -2 * y * (1 - y * z) * (y * z < 1),
    "poisson": lambda z, y: 1 - y / (z + 1e-7),
    "kl_divergence": lambda z, y: -np.clip(y, 1e-7, 1) / z * (z <= 1),
    "mean_squared_error": lambda z, y: 2 * (z - y),
}


def slope_of_loss(attempt: Attempt) -> Slope:
    """dℓ/dz of a loss of one output and one target."""
    delta = attempt.loss.delta
    return OTHERS[attempt.loss.name] if delta is None else lambda z, y: np.clip(z - y, -delta, delta)


def change_targets(attempt: Attempt) -> None:
    """Targets that are not those of the samples."""
    slip = attempt.slip("wrong_target")
    if slip is None:
        return
    z = attempt.z[-1]
    if slip.form == "overwritten":
        attempt.y = z
    elif slip.form == "rounded":
        attempt.y = np.round(z)
    elif slip.form == "shifted":
        attempt.y = np.roll(attempt.y, int(slip.value), axis=0)
    elif slip.form == "reversed":
        attempt.y = attempt.y[::-1]
    elif slip.form == "zero":
        attempt.y = np.zeros_like(attempt.y)
    elif slip.form == "complement":
        attempt.y = 1 - attempt.y
    elif slip.form == "labels for rows":
        attempt.y = np.tile(attempt.y.argmax(axis=1)[:, None], attempt.K).astype(attempt.y.dtype)
    elif slip.form == "one-hot":
        attempt.y = np.eye(attempt.K, dtype=attempt.y.dtype)[attempt.y.argmax(axis=1)]


def factor_of(attempt: Attempt) -> float:
    """The factor in front of the sum in E."""
    n, k = attempt.N, attempt.K
    if attempt.loss.name in CROSS:
        factor = CROSS[attempt.loss.name][1](n, k)
    elif attempt.loss.name in SQUARED:
        factor = SQUARED[attempt.loss.name](n, k)
    else:
        factor = 1 / n if attempt.loss.name == "kl_divergence" else 1 / (n * k)
    return attempt.loss.scale * factor * (n if attempt.loss.reduction == "sum" else 1)


def head(attempt: Attempt) -> Array:
    """δ of the output."""
    delta = other_head(attempt)
    if delta is None:
        delta = right_head(attempt)
    factor = 1.0
    if attempt.slip("missing_batch_mean"):
        factor *= attempt.N
    if attempt.slip("mean_for_sum"):
        factor /= attempt.N
    if slip := attempt.slip("factor_two"):
        factor *= 2 if slip.form == "2" else 0.5
    if slip := attempt.slip("missing_output_mean"):
        n, k = attempt.N, attempt.K
        factor *= {"K": k, "K/2": k / 2, "NK": n * k, "NK/2": n * k / 2}[slip.form]
    if factor == 1:
        return delta
    attempt.g = {i: g * attempt.real(factor) for i, g in attempt.g.items()}
    return delta * attempt.real(factor)


def right_head(attempt: Attempt) -> Array:
    """By the kind of loss."""
    if attempt.loss.name in CROSS:
        return cross_head(attempt)
    if attempt.loss.name in SQUARED:
        return squared_head(attempt)
    c = attempt.real(factor_of(attempt))
    return pull(attempt, attempt.L - 1, c * slope_of_loss(attempt)(attempt.z[-1], attempt.y))


def squared_head(attempt: Attempt) -> Array:
    """2c (z − y) ⊙ f′(u)."""
    z, c = attempt.z[-1], attempt.real(2 * factor_of(attempt))
    if attempt.slip("targets_broadcast"):  # (N, 1) − (N,) is (N, N), and E sums over all of it
        error = z - attempt.y[:, 0]
        count = attempt.N if attempt.loss.name in ("mean_squared_error", "quadratic_cost") else 1
        return pull(attempt, attempt.L - 1, c / attempt.real(count) * error.sum(axis=1, keepdims=True))
    if attempt.slip("output_derivative_dropped"):
        return c * (z - attempt.y)
    if attempt.slip("softmax_elementwise"):
        return c * (z - attempt.y) * z * (1 - z)
    return pull(attempt, attempt.L - 1, c * (z - attempt.y))


def cross_head(attempt: Attempt) -> Array:
    """c (p − y)."""
    p, c, y = f(CROSS[attempt.loss.name][0], attempt.u[-1]), attempt.real(factor_of(attempt)), attempt.y
    if attempt.slip("derivative_not_sent_down", attempt.L - 1) and not attempt.loss.from_logits:
        attempt.g[attempt.L - 1] = -c * y / p if CROSS[attempt.loss.name][0] == "softmax" else c * (p - y) / (p - p * p)
    if slip := attempt.slip("softmax_axis"):
        return c * (shares(slip, attempt.u[-1]) - y)
    if slip := attempt.slip("output_derivative_kept"):
        if slip.form == "jacobian":
            return jacobian(p, c * (p - y))
        return c * (p - y) * p * (1 - p)
    if attempt.slip("softmax_elementwise"):
        return -c * (y / p) * (p * (1 - p))
    if attempt.slip("softmax_twice"):
        q = f(CROSS[attempt.loss.name][0], p)
        return jacobian(p, c * (q - y)) if attempt.loss.name != "binary_crossentropy" else c * (q - y) * p * (1 - p)
    if attempt.slip("bce_inner_sign"):
        return c * (-y / p - (1 - y) / (1 - p)) * p * (1 - p)
    if attempt.slip("targets_broadcast"):
        return c * (p - attempt.y[:, 0]).sum(axis=1, keepdims=True) / attempt.real(attempt.N)
    if slip := attempt.slip("probability_clip"):
        return clipped_head(attempt, slip, p, c)
    return c * (p - y)


def shares(slip: Slip, u: Array) -> Array:
    """exp(u) over a sum along another axis."""
    e = np.exp(u - u.max())
    if slip.form == "everything":
        return np.asarray(e / np.sum(e))
    return np.asarray(e / np.sum(e, axis=0 if slip.form == "samples" else 1))


def clipped_head(attempt: Attempt, slip: Slip, p: Array, c: Any) -> Array:
    """Through log of probabilities kept away from 0 and 1."""
    low = attempt.real(slip.value)
    q = np.clip(p, low, 1 - low)
    if slip.form == "clipped":
        return c * (q - attempt.y)
    inside = (p >= low) & (p <= 1 - low)
    if attempt.loss.name == "binary_crossentropy":
        return c * (-attempt.y / q + (1 - attempt.y) / (1 - q)) * inside * p * (1 - p)
    return jacobian(p, -c * attempt.y / q * inside)


def other_head(attempt: Attempt) -> Array | None:
    """Another function altogether was differentiated."""
    last, z = attempt.L - 1, attempt.z[-1]
    if attempt.slip("output_not_loss"):
        return pull(attempt, last, np.ones_like(z))
    slip = attempt.slip("other_loss")
    if slip is None or slip.form == "labels as they are":
        return None
    if slip.form in OTHERS:
        count = attempt.N * (1 if slip.form == "kl_divergence" else attempt.K)
        return pull(attempt, last, OTHERS[slip.form](z, attempt.y) * attempt.real(attempt.loss.scale / count))
    squared = {"mse": 2 / (attempt.N * attempt.K), "quadratic": 1 / attempt.N, "half sum": 1.0}
    kind, _, rest = slip.form.partition(", ")
    scale = attempt.loss.scale  # the weight of E is that of whatever loss stands in it
    if kind in squared:  # under cross-entropy
        error = attempt.real(scale * squared[kind]) * (f(CROSS[attempt.loss.name][0], attempt.u[-1]) - attempt.y)
        if rest == "without f′":
            return error
        p = f(CROSS[attempt.loss.name][0], attempt.u[-1])
        return jacobian(p, error) if CROSS[attempt.loss.name][0] == "softmax" else error * p * (1 - p)
    if kind == "mae":
        return pull(attempt, last, np.sign(z - attempt.y) * attempt.real(scale / (attempt.N * attempt.K)))
    if kind == "rmse":
        mse = np.mean((z - attempt.y) ** 2)
        return pull(attempt, last, (z - attempt.y) * attempt.real(scale / (attempt.N * attempt.K)) / np.sqrt(mse))
    # cross-entropy's δ under squared error
    return (z - attempt.y) * attempt.real(scale / (attempt.N * (attempt.K if kind == "bce" else 1)))
