"""Loss functions: the scalar E and its gradient side by side, one record each, with the scaling of E spelt out.

Every value is written as E = c · Σ (…) with c = `factor(N, K)`, since half of all disagreements about a "MSE" are
a factor of 2, N or N·K. `scale` of a `Loss` multiplies E once more.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.equations.activations import sigmoid, softmax
from manual_mlp.errors import unknown_name

EPSILON = 1e-7  # keras.config.epsilon(): Keras clips probabilities to [ε, 1 − ε] before it takes their logarithm


def squared_error(y_pred: Array, y_true: Array, c: float) -> Array:
    """E = c Σ_n Σ_k (y_pred − y_true)²; `c` is ½, 1, 1/(2N) or 1/(N·K), and that is all the difference."""
    difference = y_pred - y_true
    return c * (difference * difference).sum()


def squared_error_gradient(y_pred: Array, y_true: Array, c: float, out: Array | None = None) -> Array:
    difference = np.subtract(y_pred, y_true, out=out)
    return np.multiply(difference, y_pred.dtype.type(2 * c), out=out)


def bce(p: Array, y_true: Array, c: float) -> Array:
    """E = −c Σ_n Σ_k [y log p̂ + (1 − y) log(1 − p̂)], p̂ = p clipped to [ε, 1 − ε] as Keras clips it."""
    q, _ = _clip(p)
    return -c * (y_true * np.log(q) + (1 - y_true) * np.log(1 - q)).sum()


def bce_gradient(p: Array, y_true: Array, c: float, out: Array | None = None, anchor: Array | None = None) -> Array:
    q, inside = _clip(p, anchor)
    return np.multiply(((1 - y_true) / (1 - q) - y_true / q) * inside, p.dtype.type(c), out=out)


def bce_from_logits(u: Array, y_true: Array, c: float) -> Array:
    """E = c Σ_n Σ_k [max(u, 0) − u y + log(1 + exp(−|u|))]: the same E written so that nothing overflows."""
    positive = u.real > 0
    return c * (np.where(positive, u, 0) - u * y_true + np.log1p(np.exp(np.where(positive, -u, u)))).sum()


def bce_from_logits_gradient(u: Array, y_true: Array, c: float, out: Array | None = None) -> Array:
    """dE/du = c (σ(u) − y): the chain rule's p(1 − p) cancels."""
    return np.multiply(np.subtract(sigmoid(u, out), y_true, out=out), u.dtype.type(c), out=out)


def cce(p: Array, y_true: Array, c: float) -> Array:
    """E = −c Σ_n Σ_k y log q̂, q = p / Σ_k p, q̂ = q clipped to [ε, 1 − ε]: Keras's order of the two steps."""
    q, _ = _clip(p / p.sum(axis=-1, keepdims=True))
    return -c * (y_true * np.log(q)).sum()


def cce_gradient(p: Array, y_true: Array, c: float, out: Array | None = None, anchor: Array | None = None) -> Array:
    total = p.sum(axis=-1, keepdims=True)
    q = p / total
    clipped, inside = _clip(q, None if anchor is None else anchor / anchor.sum(axis=-1, keepdims=True))
    g = -y_true / clipped * inside  # dE/dq; the quotient q = p/Σp adds −Σ_j g_j q_j
    return np.multiply((g - (g * q).sum(axis=-1, keepdims=True)) / total, p.dtype.type(c), out=out)


def cce_from_logits(u: Array, y_true: Array, c: float) -> Array:
    """E = c Σ_n Σ_k y_k (log Σ_j exp u_j − u_k)."""
    return c * (y_true * (_log_sum_exp(u) - u)).sum()


def cce_from_logits_gradient(u: Array, y_true: Array, c: float, out: Array | None = None) -> Array:
    """dE/du = c (softmax(u) Σ_k y_k − y); TensorFlow leaves out Σ_k y_k and so needs labels that sum to 1."""
    p = softmax(u, out)
    p = np.multiply(p, y_true.sum(axis=-1, keepdims=True), out=out)
    return np.multiply(np.subtract(p, y_true, out=out), u.dtype.type(c), out=out)


def scce(p: Array, labels: Array, c: float) -> Array:
    """E = c Σ_n (log Σ_k p̂_nk − log p̂_n,label), p̂ = p clipped to [ε, 1 − ε]: Keras clips, then normalises."""
    q, _ = _clip(p)
    return c * (np.log(q.sum(axis=-1)) - np.log(_picked(q, labels))).sum()


def scce_gradient(p: Array, labels: Array, c: float, out: Array | None = None, anchor: Array | None = None) -> Array:
    q, inside = _clip(p, anchor)
    g = (1 / q.sum(axis=-1, keepdims=True) - _one_hot(labels, q) / q) * inside
    return np.multiply(g, p.dtype.type(c), out=out)


def scce_from_logits(u: Array, labels: Array, c: float) -> Array:
    """E = c Σ_n (log Σ_j exp u_nj − u_n,label)."""
    return c * (_log_sum_exp(u)[..., 0] - _picked(u, labels)).sum()


def scce_from_logits_gradient(u: Array, labels: Array, c: float, out: Array | None = None) -> Array:
    return np.multiply(np.subtract(softmax(u, out), _one_hot(labels, u), out=out), u.dtype.type(c), out=out)


def _clip(p: Array, anchor: Array | None = None) -> tuple[Array, Array]:
    """p clipped to [ε, 1 − ε], and where it was inside: the clip passes no gradient outside.

    Inside or outside is decided on `anchor` where one is given: see `Operation.frozen`.
    """
    low, high = p.real.dtype.type(EPSILON), p.real.dtype.type(1 - EPSILON)
    decided = (p if anchor is None else anchor).real
    below, above = decided < low, decided > high
    return np.where(below, low, np.where(above, high, p)), ~(below | above)


def _log_sum_exp(u: Array) -> Array:
    m = u.real.max(axis=-1, keepdims=True)
    return m + np.log(np.exp(u - m).sum(axis=-1, keepdims=True))


def _picked(a: Array, labels: Array) -> Array:
    return a[np.arange(len(a)), labels]


def _one_hot(labels: Array, like: Array) -> Array:
    hot = np.zeros(like.shape, like.dtype)
    hot[np.arange(len(labels)), labels] = 1
    return hot


@dataclass(frozen=True)
class LossFunction:
    """One loss: E and dE/dy_pred with their scaling, and, for a cross-entropy, both again as functions of the logits.

    Attributes:
        name: the house's name, Keras's where Keras has the loss.
        formula: E as a function of `{p}` (y_pred, or the logits) and y, in the letters of the alphabet.
        gradient_formula: dE/dp.
        factor: (N, K) → the c in front of the sum.
        value: (y_pred (N, K), y_true, c) → E, ().
        gradient: (y_pred (N, K), y_true, c) → dE/dy_pred, (N, K).
        source: where this scaling is from.
        logits_formula, logits_gradient_formula, logits_value, logits_gradient: the same from logits.
        fused_activation: the output activation that Keras fuses into this loss.
        class_indices: y_true holds integer classes, (N,) or (N, 1), not (N, K).

    Example:
        >>> LOSSES["mean_squared_error"].factor(100, 2)
        0.005
    """

    name: str
    formula: str
    gradient_formula: str
    factor: Callable[[int, int], float]
    value: Callable[[Array, Array, float], Array]
    gradient: Callable[..., Array]
    source: str
    logits_formula: str = ""
    logits_gradient_formula: str = ""
    logits_value: Callable[[Array, Array, float], Array] | None = None
    logits_gradient: Callable[..., Array] | None = None
    fused_activation: str | None = None
    class_indices: bool = False


def _squared(name: str, c: str, c2: str, factor: Callable[[int, int], float], source: str) -> LossFunction:
    formula, gradient = f"E = {c}Σ_n Σ_k ({{p}} − y)²", f"{c2}({{p}} − y)"
    return LossFunction(name, formula, gradient, factor, squared_error, squared_error_gradient, source)


LOSSES: dict[str, LossFunction] = {
    f.name: f
    for f in (
        _squared("half_sum_squared_error", "½ ", "", lambda n, k: 0.5, "the update rule of article A"),
        _squared("sum_squared_error", "", "2", lambda n, k: 1.0, "the E that article A writes down"),
        _squared("quadratic_cost", "1/(2N) ", "1/N ", lambda n, k: 0.5 / n, "Nielsen, 2015, ch. 1; article C"),
        _squared("mean_squared_error", "1/(N·K) ", "2/(N·K) ", lambda n, k: 1 / (n * k), "Keras"),
        LossFunction(
            "binary_crossentropy",
            "E = −1/(N·K) Σ_n Σ_k [y log {p} + (1 − y) log(1 − {p})]",
            "1/(N·K) ((1 − y)/(1 − {p}) − y/{p})",
            lambda n, k: 1 / (n * k),
            bce,
            bce_gradient,
            "Keras",
            "E = 1/(N·K) Σ_n Σ_k [max({p}, 0) − {p} y + log(1 + exp(−|{p}|))]",
            "1/(N·K) (sigmoid({p}) − y)",
            bce_from_logits,
            bce_from_logits_gradient,
            "sigmoid",
        ),
        LossFunction(
            "categorical_crossentropy",
            "E = −1/N Σ_n Σ_k y log({p}/Σ_k {p})",
            "1/N (Σ_k y/Σ_k {p} − y/{p})",
            lambda n, k: 1 / n,
            cce,
            cce_gradient,
            "Keras",
            "E = 1/N Σ_n Σ_k y (log Σ_j exp {p}_j − {p})",
            "1/N (softmax({p}) Σ_k y − y)",
            cce_from_logits,
            cce_from_logits_gradient,
            "softmax",
        ),
        LossFunction(
            "sparse_categorical_crossentropy",
            "E = 1/N Σ_n (log Σ_k {p}_k − log {p}_y)",
            "1/N (1/Σ_k {p} − [k = y]/{p})",
            lambda n, k: 1 / n,
            scce,
            scce_gradient,
            "Keras",
            "E = 1/N Σ_n (log Σ_j exp {p}_j − {p}_y)",
            "1/N (softmax({p}) − [k = y])",
            scce_from_logits,
            scce_from_logits_gradient,
            "softmax",
            class_indices=True,
        ),
    )
}

ALIASES = {
    "mse": "mean_squared_error",
    "MSE": "mean_squared_error",
    "MeanSquaredError": "mean_squared_error",
    "BinaryCrossentropy": "binary_crossentropy",
    "bce": "binary_crossentropy",
    "BCE": "binary_crossentropy",
    "CategoricalCrossentropy": "categorical_crossentropy",
    "SparseCategoricalCrossentropy": "sparse_categorical_crossentropy",
}


@dataclass(frozen=True)
class Loss:
    """Which E is differentiated.

    Args:
        name: a key of `LOSSES`, or one of Keras's aliases such as "mse".
        from_logits: the network's output is logits u, not probabilities (cross-entropies only).
        scale: E is multiplied by it, as by a loss weight.

    Raises:
        ValueError: unknown name, `from_logits` without a cross-entropy, or a scale that is not a finite number above 0.

    Example:
        >>> Loss("mse").name
        'mean_squared_error'
        >>> Loss("categorical_crossentropy", from_logits=True).formula
        'E = 1/N Σ_n Σ_k y (log Σ_j exp u_j − u)'
    """

    name: str
    from_logits: bool = False
    scale: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "name", ALIASES.get(self.name, self.name))
        if self.name not in LOSSES:
            raise unknown_name("loss", self.name, [*LOSSES, *ALIASES])
        if self.from_logits and self.function.logits_value is None:
            raise ValueError(
                f"{self.name} takes outputs, not logits: from_logits=True belongs to a cross-entropy. "
                "Leave it out, or choose binary_crossentropy or categorical_crossentropy."
            )
        if not (0 < self.scale < float("inf")):
            raise ValueError(f"scale={self.scale} of {self.name}: expected a finite number above 0.")
        object.__setattr__(self, "scale", float(self.scale))  # a NumPy float64 would widen a float32 E

    @property
    def function(self) -> LossFunction:
        """The record in `LOSSES`."""
        return LOSSES[self.name]

    @property
    def formula(self) -> str:
        """E as it stands in a book."""
        symbol = "u" if self.from_logits else "ŷ"
        return f"E = {self.write(value=True, logits=self.from_logits, symbol=symbol)}"

    def write(self, value: bool, logits: bool, symbol: str) -> str:
        """The right-hand side of E (`value`) or of its gradient, as a function of `symbol`."""
        f = self.function
        formulas = (f.logits_gradient_formula, f.logits_formula) if logits else (f.gradient_formula, f.formula)
        scale = "" if self.scale == 1 else f"{self.scale:g} · "
        return scale + formulas[value].removeprefix("E = ").format(p=symbol)


def as_loss(loss: str | Loss) -> Loss:
    """A `Loss` from a name; a `Loss` passes through.

    Example:
        >>> as_loss("mse")
        Loss(name='mean_squared_error', from_logits=False, scale=1.0)
    """
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise TypeError(f"loss is {type(loss).__name__}: expected a name such as 'mse', or a manual_mlp.Loss.")
    return Loss(loss)
