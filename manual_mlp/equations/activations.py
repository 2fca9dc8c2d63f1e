"""Activation functions: value, derivative, formula and rounding side by side, one record each.

Every function takes `out`, a buffer for the result. Decisions (the maximum of a row, the sign of u) are taken on the
real part, so that the forward pass also runs on complex numbers, which the complex-step witness needs. What each one
rounds is in the letters of `local_rounding`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Literal

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.local_rounding import Precision, Terms, row_sum_rounding
from manual_mlp.errors import unknown_name


def linear(u: Array, out: Array | None = None) -> Array:
    """The identity, z = u, for the output of a regression.

    Derivation: dz/du = 1, so dE/du = dE/dz.

    Args:
        u: (N, n_out), pre-activation.
        out: (N, n_out), a buffer for the result.

    Returns:
        z: (N, n_out), a copy of u.

    Example:
        >>> import numpy as np
        >>> linear(np.array([[-1.0, 2.0]]))
        array([[-1.,  2.]])
    """
    return np.positive(u, out=out)


def linear_backward(dE_dz: Array, _: Array, out: Array | None = None) -> Array:
    return np.positive(dE_dz, out=out)


def exact(*_: object) -> Terms:
    """What only selects does not round."""
    return ()


def step(u: Array, out: Array | None = None) -> Array:
    """Heaviside's step, z = 1 where u > 0, else 0: the perceptron's activation.

    Derivation: dz/du is 0 everywhere except at u = 0, where it does not exist. No gradient passes through a
    step, so it runs forward only; the sigmoid is its differentiable stand-in.

    Args:
        u: (N, n_out), pre-activation.
        out: (N, n_out), a buffer for the result.

    Returns:
        z: (N, n_out), zeros and ones of u's dtype.

    Example:
        >>> import numpy as np
        >>> step(np.array([[-1.0, 0.0, 2.0]]))
        array([[0., 0., 1.]])
    """
    return np.multiply(u.real > 0, u.dtype.type(1), out=out)


def sigmoid(u: Array, out: Array | None = None) -> Array:
    """The logistic function, z = 1 / (1 + exp(−u)).

    Derivation: with z = (1 + e⁻ᵘ)⁻¹, dz/du = e⁻ᵘ (1 + e⁻ᵘ)⁻² = z · e⁻ᵘ/(1 + e⁻ᵘ) = z (1 − z). It reads z, as TensorFlow
    does.

    Args:
        u: (N, n_out), pre-activation.
        out: (N, n_out), a buffer for the result.

    Returns:
        z: (N, n_out), in [0, 1].

    Example:
        >>> import numpy as np
        >>> sigmoid(np.array([[-1000.0, 0.0, 1000.0]]))
        array([[0. , 0.5, 1. ]])
    """
    if u.dtype.kind == "c":
        # The inverse of an overflowed complex number is nan: take the branch whose exponential is at most 1.
        positive = u.real >= 0
        e = np.exp(np.where(positive, -u, u))
        return np.divide(np.where(positive, 1, e), 1 + e, out=out)
    with np.errstate(over="ignore"):  # exp(1000) is inf, and 1/inf is the 0 that is wanted
        z = np.exp(np.negative(u, out=out), out=out)
    z = np.add(z, 1, out=out)
    return np.reciprocal(z, out=out)


def sigmoid_backward(dE_dz: Array, z: Array, out: Array | None = None) -> Array:
    f = np.subtract(1, z, out=out)
    f = np.multiply(f, z, out=out)
    return np.multiply(f, dE_dz, out=out)


# The constants of rounding are measured against TensorFlow 2.21 and NumPy 2.4; rms and largest error in units of u:
# tanh 0.7 and 1.8 (NumPy), 1.6 and 5.5 (TensorFlow, eager); sigmoid 0.9 and 3.5, 2.6 and 8.0. The larger
# library counts.
# What all samples of a unit share: a library's polynomial errs alike on like arguments.


def sigmoid_rounding(_: Array, z: Array, u: float) -> Terms:
    """s z √(1 + 20 (1 − z)²) an entry; u z (0.3 + 1.2 (1 − z)) shared by a unit."""
    tail = 1 - z
    entry = u / math.sqrt(3) * z * np.sqrt(1 + 20 * tail * tail)
    return (entry, "entry"), (u * z * (0.3 + 1.2 * tail), "unit")


def sigmoid_lost(z: Array) -> Array:
    """1 + exp(−u) overflows in float16 where z < 2⁻¹⁶ (NumPy, XLA): that much is lost, 256 steps of its grid.

    At most 2⁻¹⁶, so that σ is 2⁻¹⁶/√3 = 2⁹ η. Where float32's sum overflows, z is below the smallest normal number.
    """
    return np.where(z < 2.0**-15, 2.0**9, 1.0)


def sigmoid_backward_rounding(dE_dz: Array, z: Array, delta: Array, u: float) -> Terms:
    """f′ = z (1 − z) is off by 1.5 s f′, the product by s|δ|."""
    return ((u / math.sqrt(3) * math.sqrt(1.5**2 + 1) * np.abs(delta), "entry"),)


def tanh(u: Array, out: Array | None = None) -> Array:
    """The hyperbolic tangent, z = (eᵘ − e⁻ᵘ) / (eᵘ + e⁻ᵘ).

    Derivation: by the quotient rule dz/du = [(eᵘ + e⁻ᵘ)² − (eᵘ − e⁻ᵘ)²] / (eᵘ + e⁻ᵘ)² = 1 − z². It reads z, as
    TensorFlow does.

    Args:
        u: (N, n_out), pre-activation.
        out: (N, n_out), a buffer for the result.

    Returns:
        z: (N, n_out), in [−1, 1].

    Example:
        >>> import numpy as np
        >>> tanh(np.array([[-1000.0, 0.0, 1000.0]]))
        array([[-1.,  0.,  1.]])
    """
    if u.dtype.kind == "c":
        # NumPy's complex tanh loses the imaginary part beyond |u| = 22: tanh u = ±(1 − e)/(1 + e), e = exp(∓2u).
        sign = np.where(u.real >= 0, 1, -1)
        e = np.exp(-2 * sign * u)
        return np.multiply(sign, (1 - e) / (1 + e), out=out)
    return np.tanh(u, out=out)


def tanh_backward(dE_dz: Array, z: Array, out: Array | None = None) -> Array:
    f = np.multiply(z, z, out=out)
    f = np.subtract(1, f, out=out)
    return np.multiply(f, dE_dz, out=out)


def tanh_rounding(_: Array, z: Array, u: float) -> Terms:
    """3 s |z| an entry; u |z| shared by a unit."""
    size = np.abs(z)
    return (math.sqrt(3) * u * size, "entry"), (u * size, "unit")


def tanh_backward_rounding(dE_dz: Array, z: Array, delta: Array, u: float) -> Terms:
    """f′ = 1 − z² is off by s √(z⁴ + f′²): where tanh saturates, that is all there is of f′."""
    slope = 1 - z * z
    return ((u / math.sqrt(3) * np.sqrt(dE_dz * dE_dz * (z**4 + slope * slope) + delta * delta), "entry"),)


def relu(u: Array, out: Array | None = None) -> Array:
    """The rectifier, z = max(u, 0).

    Derivation: dz/du is 1 for u > 0 and 0 for u < 0. At the kink u = 0 any value in [0, 1] is a subgradient; here, as
    in TensorFlow, it is 0. It reads u.

    Args:
        u: (N, n_out), pre-activation.
        out: (N, n_out), a buffer for the result.

    Returns:
        z: (N, n_out), not negative.

    Example:
        >>> import numpy as np
        >>> relu(np.array([[-1.0, 0.0, 2.0]]))
        array([[0., 0., 2.]])
    """
    if u.dtype.kind == "c":  # np.maximum would compare the imaginary parts
        return np.multiply(u, u.real > 0, out=out)
    return np.maximum(u, 0, out=out)


def relu_backward(dE_dz: Array, u: Array, out: Array | None = None) -> Array:
    return np.multiply(dE_dz, u > 0, out=out)


def softmax(u: Array, out: Array | None = None) -> Array:
    """Probabilities of K classes, z_k = exp(u_k − m) / Σ_j exp(u_j − m) with m = max_j u_j.

    Subtracting m cancels in the fraction and keeps exp from overflowing.

    Derivation: ∂z_j/∂u_k = z_j (1[j = k] − z_k): every output depends on every input. The chain rule sums over
    all of them, dE/du_k = Σ_j dE/dz_j · ∂z_j/∂u_k = z_k (dE/dz_k − Σ_j dE/dz_j z_j). The diagonal z_k (1 − z_k)
    alone is a common mistake.

    Args:
        u: (N, K), pre-activation.
        out: (N, K), a buffer for the result.

    Returns:
        z: (N, K), rows that sum to 1.

    Example:
        >>> import numpy as np
        >>> softmax(np.array([[1000.0, 1000.0]]))
        array([[0.5, 0.5]])
    """
    z = np.exp(np.subtract(u, u.real.max(axis=-1, keepdims=True), out=out), out=out)
    return np.divide(z, z.sum(axis=-1, keepdims=True), out=out)


def softmax_backward(dE_dz: Array, z: Array, out: Array | None = None) -> Array:
    mean = (dE_dz * z).sum(axis=-1, keepdims=True)
    return np.multiply(z, dE_dz - mean, out=out)


def softmax_rounding(logits: Array, p: Array, u: float) -> Terms:
    """s p √(m² + 3), unit u p (1 + 0.3 m), row p s √((K + 1)(Σ p²/6 + 1/3)); m = max u − u: how far exp reaches."""
    s = u / math.sqrt(3)
    m = logits.max(axis=-1, keepdims=True) - logits
    terms = (p.shape[-1] + 1) * (np.square(p).sum(axis=-1, keepdims=True) / 6 + 1 / 3)
    return (s * p * np.sqrt(m * m + 3), "entry"), (u * p * (1 + 0.3 * m), "unit"), (p * s * np.sqrt(terms), "row")


def softmax_lost(z: Array) -> Array:
    """√(1 + max² z): exp(u_k − m) is stored, off by η, and divided by Σ_j exp(u_j − m); then z_k is stored, off by η.

    The largest exponential is exp(0) = 1, so that 1/Σ is the largest z of the row.
    """
    return np.sqrt(1 + np.square(z.max(axis=-1, keepdims=True)))


def softmax_backward_rounding(dE_dz: Array, z: Array, delta: Array, u: float) -> Terms:
    """δ = z (g − Σ g z): two roundings of δ, and the sum's own, which all units of a sample share."""
    return (2 * u / math.sqrt(3) * np.abs(delta), "entry"), (z * row_sum_rounding(dE_dz * z, u), "row")


def softmax_backward_lost(dE_dz: Array, z: Array, at: Precision) -> Terms:
    """δ_k = z_k (g_k − Σ_j g_j z_j) is stored, off by η; so is each g_j z_j, and their sum is off by up to √K η, row.

    Who `loops` may build the Jacobian, z_j (1[j = k] − z_k), instead: each of its entries is stored, off by η, before
    g_j multiplies it, and then each product is, and their sum. But what is x η is off by no more than itself, and of
    min(1, x)² the sum over j is at most the least of those of 1, x and x². What is 2 at the end: g_k times the diagonal
    and δ_k, each stored.
    """
    z, size = np.abs(z), np.abs(dE_dz)  # a wrong hand's z may have any sign
    eta, root = at.eta, math.sqrt(z.shape[-1])
    first, both = _row_sum(size * z) / eta, np.sqrt(_row_sum(np.square(size * z))) / eta
    row = z * _least(root, np.sqrt(first), both)
    if not at.loops:
        return (np.ones(()), "entry"), (row, "row")
    squares = np.square(size)
    entries = _least(np.sqrt(_row_sum(squares)), np.sqrt(z * _row_sum(squares * z) / eta), z * both)  # all z_j z_k
    diagonal = size * np.minimum(1.0, z / eta)  # z_k (1 − z_k)
    products = _least(root, np.sqrt(z * first), z * both)
    return (np.sqrt(entries**2 + diagonal**2 + products**2 + 2), "entry"), (row, "row")


def _row_sum(terms: Array) -> Array:
    return np.asarray(terms.sum(axis=-1, keepdims=True))


def _least(first: Array | float, *others: Array) -> Array:
    return np.asarray(reduce(np.minimum, others, first))


def factor_lost(dE_dz: Array, *_: object) -> Terms:
    """f′ is stored, then multiplied by g: max(1, |g|)."""
    return ((np.maximum(1.0, np.abs(dE_dz)), "entry"),)


@dataclass(frozen=True)
class ActivationFunction:
    """One activation function: its value and its pullback dE/dz → dE/du, with the formulas of both.

    Attributes:
        name: Keras's name.
        formula: z as a function of `{u}`.
        backward_formula: dE/du in terms of `{g}` = dE/dz and `{read}`, the array that the derivative reads.
        reads: whether the derivative reads u or z; TensorFlow's choice, so that both sides round alike.
        value: (N, n) → (N, n).
        backward: (dE/dz, u or z) → dE/du, all (N, n); None if no gradient passes.
        rounding: (u, z, unit roundoff) → what the value rounds.
        backward_rounding: (dE/dz, u or z, dE/du, unit roundoff) → what the pullback rounds.
        source: where the formula is from.
        kinked: linear on each side of u = 0, with two slopes.
        edge: where |z| saturates, so that f′ = 0, and is stored exactly.
        lost: z → by how much more than storing it an entry loses close to 0.
        backward_lost: (dE/dz, u or z, how finely) → the same of the pullback, and who shares it.
    """

    name: str
    formula: str
    backward_formula: str
    reads: Literal["u", "z"]
    value: Callable[..., Array]
    backward: Callable[..., Array] | None
    rounding: Callable[[Array, Array, float], Terms]
    backward_rounding: Callable[[Array, Array, Array, float], Terms]
    source: str
    kinked: bool = False
    edge: float | None = None
    lost: Callable[[Array], Array] = np.ones_like
    backward_lost: Callable[[Array, Array, Precision], Terms] = factor_lost


_TEXTBOOK = "Okatani, Deep Learning, 2016, ch. 2"

ACTIVATIONS: dict[str, ActivationFunction] = {
    a.name: a
    for a in (
        ActivationFunction("linear", "{u}", "{g}", "u", linear, linear_backward, exact, exact, _TEXTBOOK),
        ActivationFunction("step", "[{u} > 0]", "none", "u", step, None, exact, exact, "Rosenblatt, 1958"),
        ActivationFunction(
            name="sigmoid",
            formula="1/(1 + exp(−{u}))",
            backward_formula="{g} ⊙ {read}(1 − {read})",
            reads="z",
            value=sigmoid,
            backward=sigmoid_backward,
            rounding=sigmoid_rounding,
            backward_rounding=sigmoid_backward_rounding,
            source=_TEXTBOOK,
            edge=1.0,
            lost=sigmoid_lost,
        ),
        ActivationFunction(
            name="tanh",
            formula="tanh({u})",
            backward_formula="{g} ⊙ (1 − {read}²)",
            reads="z",
            value=tanh,
            backward=tanh_backward,
            rounding=tanh_rounding,
            backward_rounding=tanh_backward_rounding,
            source=_TEXTBOOK,
            edge=1.0,
        ),
        ActivationFunction(
            name="relu",
            formula="max({u}, 0)",
            backward_formula="{g} ⊙ [{read} > 0]",
            reads="u",
            value=relu,
            backward=relu_backward,
            rounding=exact,
            backward_rounding=exact,
            source="Nair and Hinton, 2010",
            kinked=True,
        ),
        ActivationFunction(
            name="softmax",
            formula="softmax({u})",
            backward_formula="{read} ⊙ ({g} − Σ_k {g} {read})",
            reads="z",
            value=softmax,
            backward=softmax_backward,
            rounding=softmax_rounding,
            backward_rounding=softmax_backward_rounding,
            source="Bridle, 1990",
            lost=softmax_lost,
            backward_lost=softmax_backward_lost,
        ),
    )
}


def activation(name: str) -> ActivationFunction:
    """The record of an activation.

    Args:
        name: a key of `ACTIVATIONS`.

    Returns:
        Its record.

    Raises:
        ValueError: unknown name; the nearest one is suggested.

    Example:
        >>> activation("relu").reads
        'u'
    """
    if name not in ACTIVATIONS:
        raise unknown_name("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]
