"""The activations of every textbook: linear, step, sigmoid, tanh and relu."""

from __future__ import annotations

import math

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.functions.record import ActivationFunction, exact, measured, measured_back
from manual_mlp.equations.local_rounding import Terms


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


def sigmoid_lost(_: Array, z: Array) -> Array:
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


TEXTBOOK = "Okatani, Deep Learning, 2016, ch. 2"

RECORDS = (
    ActivationFunction("linear", "{u}", "{g}", "u", linear, linear_backward, exact, exact, TEXTBOOK),
    ActivationFunction("step", "[{u} > 0]", "none", "u", step, None, exact, exact, "Rosenblatt, 1958"),
    ActivationFunction(
        name="sigmoid",
        formula="1/(1 + exp(−{u}))",
        backward_formula="{g} ⊙ {read}(1 − {read})",
        reads="z",
        value=sigmoid,
        backward=sigmoid_backward,
        rounding=measured(sigmoid_rounding),
        backward_rounding=measured_back(sigmoid_backward_rounding),
        source=TEXTBOOK,
        edge=1.0,
        lost=sigmoid_lost,
        numpy_slopes=(("z", "{t} * (1 - {t})"),),
    ),
    ActivationFunction(
        name="tanh",
        formula="tanh({u})",
        backward_formula="{g} ⊙ (1 − {read}²)",
        reads="z",
        value=tanh,
        backward=tanh_backward,
        rounding=measured(tanh_rounding),
        backward_rounding=measured_back(tanh_backward_rounding),
        source=TEXTBOOK,
        edge=1.0,
        numpy_slopes=(("z", "(1 - {t} ** 2)"), ("u", "(1 - np.tanh({t}) ** 2)")),
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
        kinks=(0.0,),
        on_branch=relu_backward,
        back_on_branch=lambda g, u, anchor: relu_backward(g, anchor),
        numpy_slopes=(("u", "({t} > 0)"), ("z", "({t} > 0)")),
    ),
)
