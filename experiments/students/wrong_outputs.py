"""What a student differentiates, and how it can be the wrong thing: targets, loss, and δ of the output."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from experiments.students.slips import Slip
from experiments.students.wrong_activations import f, jacobian
from manual_mlp import Array

if TYPE_CHECKING:
    from experiments.students.wrong_derivations import Student

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


def change_targets(student: Student) -> None:
    """Targets that are not those of the samples."""
    slip = student.slip("wrong_target")
    if slip is None:
        return
    z = student.z[-1]
    if slip.form == "overwritten":
        student.y = z
    elif slip.form == "rounded":
        student.y = np.round(z)
    elif slip.form == "shifted":
        student.y = np.roll(student.y, int(slip.value), axis=0)
    elif slip.form == "reversed":
        student.y = student.y[::-1]
    elif slip.form == "zero":
        student.y = np.zeros_like(student.y)
    elif slip.form == "complement":
        student.y = 1 - student.y
    elif slip.form == "labels for rows":
        student.y = np.tile(student.y.argmax(axis=1)[:, None], student.K).astype(student.y.dtype)
    elif slip.form == "one-hot":
        student.y = np.eye(student.K, dtype=student.y.dtype)[student.y.argmax(axis=1)]


def factor_of(student: Student) -> float:
    """The factor in front of the sum in E."""
    factor = CROSS[student.loss.name][1] if student.loss.name in CROSS else SQUARED[student.loss.name]
    return student.loss.scale * factor(student.N, student.K)


def head(student: Student) -> Array:
    """δ of the output."""
    delta = other_head(student)
    if delta is None:
        cross = student.loss.name in CROSS
        delta = cross_head(student) if cross else squared_head(student)
    factor = 1.0
    if student.slip("missing_batch_mean"):
        factor *= student.N
    if student.slip("mean_for_sum"):
        factor /= student.N
    if slip := student.slip("factor_two"):
        factor *= 2 if slip.form == "2" else 0.5
    if slip := student.slip("missing_output_mean"):
        n, k = student.N, student.K
        factor *= {"K": k, "K/2": k / 2, "NK": n * k, "NK/2": n * k / 2}[slip.form]
    return delta if factor == 1 else delta * student.real(factor)


def squared_head(student: Student) -> Array:
    """2c (z − y) ⊙ f′(u)."""
    z, c = student.z[-1], student.real(2 * factor_of(student))
    if student.slip("targets_broadcast"):  # (N, 1) − (N,) is (N, N), and E sums over all of it
        error = z - student.y[:, 0]
        count = student.N if student.loss.name in ("mean_squared_error", "quadratic_cost") else 1
        return student.pull(student.L - 1, c / student.real(count) * error.sum(axis=1, keepdims=True))
    if student.slip("output_derivative_dropped"):
        return c * (z - student.y)
    if student.slip("softmax_elementwise"):
        return c * (z - student.y) * z * (1 - z)
    return student.pull(student.L - 1, c * (z - student.y))


def cross_head(student: Student) -> Array:
    """c (p − y)."""
    p, c, y = f(CROSS[student.loss.name][0], student.u[-1]), student.real(factor_of(student)), student.y
    if slip := student.slip("output_derivative_kept"):
        if slip.form == "jacobian":
            return jacobian(p, c * (p - y))
        return c * (p - y) * p * (1 - p)
    if student.slip("softmax_elementwise"):
        return -c * (y / p) * (p * (1 - p))
    if student.slip("softmax_twice"):
        q = f(CROSS[student.loss.name][0], p)
        return jacobian(p, c * (q - y)) if student.loss.name != "binary_crossentropy" else c * (q - y) * p * (1 - p)
    if student.slip("bce_inner_sign"):
        return c * (-y / p - (1 - y) / (1 - p)) * p * (1 - p)
    if student.slip("targets_broadcast"):
        return c * (p - student.y[:, 0]).sum(axis=1, keepdims=True) / student.real(student.N)
    if slip := student.slip("probability_clip"):
        return clipped_head(student, slip, p, c)
    return c * (p - y)


def clipped_head(student: Student, slip: Slip, p: Array, c: Any) -> Array:
    """Through log of probabilities kept away from 0 and 1."""
    low = student.real(slip.value)
    q = np.clip(p, low, 1 - low)
    if slip.form == "clipped":
        return c * (q - student.y)
    inside = (p >= low) & (p <= 1 - low)
    if student.loss.name == "binary_crossentropy":
        return c * (-student.y / q + (1 - student.y) / (1 - q)) * inside * p * (1 - p)
    return jacobian(p, -c * student.y / q * inside)


def other_head(student: Student) -> Array | None:
    """Another function altogether was differentiated."""
    last, z = student.L - 1, student.z[-1]
    if student.slip("output_not_loss"):
        return student.pull(last, np.ones_like(z))
    slip = student.slip("other_loss")
    if slip is None:
        return None
    squared = {"mse": 2 / (student.N * student.K), "quadratic": 1 / student.N, "half sum": 1.0}
    kind, _, rest = slip.form.partition(", ")
    scale = student.loss.scale  # the weight of E is that of whatever loss stands in it
    if kind in squared:  # under cross-entropy
        error = student.real(scale * squared[kind]) * (f(CROSS[student.loss.name][0], student.u[-1]) - student.y)
        if rest == "without f′":
            return error
        p = f(CROSS[student.loss.name][0], student.u[-1])
        return jacobian(p, error) if CROSS[student.loss.name][0] == "softmax" else error * p * (1 - p)
    if kind == "mae":
        return student.pull(last, np.sign(z - student.y) * student.real(scale / (student.N * student.K)))
    if kind == "rmse":
        mse = np.mean((z - student.y) ** 2)
        return student.pull(last, (z - student.y) * student.real(scale / (student.N * student.K)) / np.sqrt(mse))
    # cross-entropy's δ under squared error
    return (z - student.y) * student.real(scale / (student.N * (student.K if kind == "bce" else 1)))
