"""Normalisation: statistics over the batch or over the units of a sample, and the way back through them.

Over the batch ("batch") a statistic has one number per unit, (n,); over the units ("row") one per sample, (N, 1). With
x̂ = (z_prev − μ)/√(v + ε) and ĝ = γ dE/dz,

    dE/dγ = Σ_N dE/dz ⊙ x̂,   dE/dβ = Σ_N dE/dz,
    dE/dz_prev = (ĝ − mean(ĝ) − x̂ mean(ĝ x̂))/√(v + ε),

mean over what the statistics are of: the three paths of z_prev, by itself, by μ and by v. Of more axes, (N, T, n), all
but the last count samples.

What is rounded is the larger of what we do and of what Keras does, which computes z = z_prev k + (β − μ k) with
k = γ/√(v + ε): where |μ| is large beside √v its terms are large beside their sum, and the same happens to dE/dγ.

Source: Ioffe and Szegedy, 2015; Ba, Kiros and Hinton, 2016; Zhang and Sennrich, 2019; keras/src/ops/nn.py and
tf.nn.moments for the order of the operations.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

import numpy as np

from manual_mlp.arrays import Array, Shape
from manual_mlp.equations.local_rounding import Local, Precision, Share, sum_rounding
from manual_mlp.equations.operations import Operation, moved, rows, show
from manual_mlp.errors import ShapeError

Over: TypeAlias = Literal["batch", "row"]
"""What a statistic is over: the samples of the batch, or the units of each sample."""

ROOT = math.sqrt(5.25)
"""1/√(v + ε): a half for v + ε, 2 roundings for the inverse root (TensorFlow's and NumPy's), one for γ."""


def _axes(a: Array, over: Over) -> tuple[int, ...]:
    return (a.ndim - 1,) if over == "row" else tuple(range(a.ndim - 1))


def _mean(a: Array, over: Over) -> Array:
    return np.asarray(a.mean(axis=_axes(a, over), keepdims=over == "row"))


def _sum(a: Array, over: Over) -> Array:
    return np.asarray(a.sum(axis=_axes(a, over), keepdims=over == "row"))


def _count(a: Array, over: Over) -> int:
    return a.shape[-1] if over == "row" else a.size // a.shape[-1]


def _first(a: Array, over: Over) -> Array:
    """(terms of a sum, sums): the axis that is summed over comes first."""
    return rows(a).T if over == "row" else rows(a)


def _sum_variance(terms: Array, over: Over, u: float) -> Array:
    """ℓ² of Σ over the statistic's axis, of the statistic's shape."""
    variance, _ = sum_rounding(_first(terms, over), u)
    return variance.reshape((*terms.shape[:-1], 1)) if over == "row" else variance


def _worst(terms: Array, over: Over, u: float) -> Array:
    """The largest that the same sum may be off by."""
    _, worst = sum_rounding(_first(terms, over), u)
    return worst.reshape((*terms.shape[:-1], 1)) if over == "row" else worst


def _shared(over: Over) -> Share:
    """Who shares an error of a statistic."""
    return "unit" if over == "batch" else "row"


def _statistic_shape(shape: Shape, over: Over) -> Shape:
    return (*shape[:-1], 1) if over == "row" else shape[-1:]


@dataclass(frozen=True)
class Mean(Operation):
    """μ = mean of z_prev over the batch, (N, n) → (n,), or over the units of each sample, (N, n) → (N, 1)."""

    over: Over

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return moved(_mean(operands[0], self.over), out)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        (a,) = operands
        m = _count(a, self.over)
        variance = _sum_variance(a, self.over, at.u) / m**2 + at.u**2 * (2 / 3) * np.square(result)
        return Local(((np.sqrt(variance), "entry"),))

    def shape(self, *shapes: Shape) -> Shape:
        return _statistic_shape(shapes[0], self.over)

    def render(self, *symbols: str) -> str:
        return f"1/N Σ_N {symbols[0]}" if self.over == "batch" else f"1/n Σ_k {symbols[0]}"


@dataclass(frozen=True)
class Variance(Operation):
    """v = mean of (z_prev − μ)², over as many samples or units as there are; without μ the mean of z_prev²."""

    signs: ClassVar[tuple[str, ...]] = ("−",)

    over: Over

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        return moved(_mean(np.square(_centred(operands)), self.over), out)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """Each square is off by √5 roundings: of a difference, twice, and its own."""
        squares, m = np.square(_centred(operands)), _count(operands[0], self.over)
        own = at.u**2 * (5 / 3) * _sum(np.square(squares), self.over)
        variance = (_sum_variance(squares, self.over, at.u) + own) / m**2 + at.u**2 * (2 / 3) * np.square(result)
        return Local(((np.sqrt(variance), "entry"),))

    def shape(self, *shapes: Shape) -> Shape:
        return _statistic_shape(shapes[0], self.over)

    def render(self, *symbols: str) -> str:
        inner = f"({symbols[0]} − {symbols[1]})²" if len(symbols) > 1 else f"{symbols[0]}²"
        return f"1/N Σ_N {inner}" if self.over == "batch" else f"1/n Σ_k {inner}"


def _centred(operands: tuple[Array, ...]) -> Array:
    return operands[0] - operands[1] if len(operands) > 1 else operands[0]


@dataclass(frozen=True)
class _Normal(Operation):
    """What reads z_prev, its statistics, and perhaps γ and β, in this order behind what comes first."""

    over: Over
    epsilon: float
    centred: bool = True
    scaled: bool = True

    def _inverse(self, variance: Array) -> Array:
        """1/√(v + ε)."""
        return 1 / np.sqrt(variance + variance.dtype.type(self.epsilon))

    def _root(self, symbol: str) -> str:
        return f"√({symbol} + {self.epsilon:g})"

    def _check(self, *shapes: Shape) -> None:
        own, *others = shapes
        statistics, weights = others[: 1 + self.centred], others[1 + self.centred :]
        wrong = any(s not in (_statistic_shape(own, self.over), own[-1:]) for s in statistics)
        if wrong or any(w != own[-1:] for w in weights):
            raise ShapeError(
                f"{', '.join(map(show, shapes))}: statistics are {show(_statistic_shape(own, self.over))}, γ and β "
                f"{show(own[-1:])}"
            )


@dataclass(frozen=True)
class Normalize(_Normal):
    """z = γ (z_prev − μ)/√(v + ε) + β, from z_prev, μ, v, γ, β; any of μ, γ, β may be missing: (N, n) → (N, n)."""

    shifted: bool = True

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        a, mean, variance, gamma, beta = self._parted(operands)
        result = (a if mean is None else a - mean) * self._inverse(variance)
        if gamma is not None:
            result = result * gamma
        return moved(result if beta is None else result + beta, out)

    def _parted(self, operands: tuple[Array, ...]) -> tuple[Array, Array | None, Array, Array | None, Array | None]:
        a, *rest = operands
        mean = rest.pop(0) if self.centred else None
        variance = rest.pop(0)
        gamma = rest.pop(0) if self.scaled else None
        return a, mean, variance, gamma, rest.pop(0) if self.shifted else None

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        a, mean, variance, gamma, beta = self._parted(operands)
        s, k = at.u / math.sqrt(3), self._inverse(variance)
        k = k if gamma is None else k * gamma
        off = np.zeros(()) if mean is None else mean * k
        shift = np.zeros(()) if beta is None else beta
        bare = result - shift
        entry = s * np.sqrt(np.square(a * k) + np.square(result) + np.square(bare))
        terms = (entry, "entry"), (s * ROOT * np.abs(bare), _shared(self.over))
        offset = s * np.sqrt(2 * np.square(off) + np.square(shift - off) * (beta is not None))
        return Local((*terms, (np.broadcast_to(offset, result.shape), _shared(self.over))))  # type: ignore[arg-type]

    def shape(self, *shapes: Shape) -> Shape:
        self._check(*shapes)
        return shapes[0]

    def render(self, *symbols: str) -> str:
        a, *rest = symbols
        top = f"({a} − {rest.pop(0)})" if self.centred else a
        root = self._root(rest.pop(0))
        weight = f"{rest.pop(0)} ⊙ " if self.scaled else ""
        return f"{weight}{top}/{root}" + (f" + {rest.pop(0)}" if self.shifted else "")


@dataclass(frozen=True)
class NormalizedSum(_Normal):
    """dE/dγ = Σ_N dE/dz ⊙ x̂, from dE/dz, z_prev, μ, v: (N, n) → (n,)."""

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        g, a, mean, variance = self._parted(operands)
        return moved(_sum(g * ((a if mean is None else a - mean) * self._inverse(variance)), "batch"), out)

    def _parted(self, operands: tuple[Array, ...]) -> tuple[Array, Array, Array | None, Array]:
        g, a, *rest = operands
        mean = rest.pop(0) if self.centred else None
        return g, a, mean, rest.pop(0)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        """Of Σ g z_prev − μ Σ g, where each may be large beside the difference, times 1/√(v + ε)."""
        g, a, mean, variance = self._parted(operands)
        inverse, own = self._inverse(variance), at.u / math.sqrt(3) * (ROOT + 1) * np.abs(result)
        if self.over == "row":  # entry by entry, then over the batch
            sizes = np.square(g * a * inverse) + (0.0 if mean is None else np.square(g * mean * inverse))
            terms = g * ((a if mean is None else a - mean) * inverse)
            total = _sum_variance(terms, "batch", at.u) + at.u**2 / 3 * (3 * _sum(sizes, "batch"))
            return Local(((np.sqrt(total + own * own), "entry"),), _worst(terms, "batch", at.u))
        variance_of, worst = _product_sum(g, a, mean, "batch", at.u)
        return Local(((np.sqrt(np.square(inverse) * variance_of + own * own), "entry"),), inverse * worst)

    def shape(self, *shapes: Shape) -> Shape:
        self._check(*shapes[1:])
        return shapes[0][-1:]

    def render(self, *symbols: str) -> str:
        g, a, *rest = symbols
        top = f"({a} − {rest.pop(0)})" if self.centred else a
        return f"Σ_N {g} ⊙ {top}/{self._root(rest.pop(0))}"


def _product_sum(g: Array, a: Array, mean: Array | None, over: Over, u: float) -> tuple[Array, Array]:
    """ℓ² and worst case of Σ g (a − μ), as Σ g a − μ Σ g."""
    first = g * a
    variance = _sum_variance(first, over, u) + u * u / 3 * (_sum(np.square(first), over) + np.square(_sum(first, over)))
    worst = _worst(first, over, u)
    if mean is None:
        return variance, worst
    total = _sum(g, over)
    second = np.square(mean) * (_sum_variance(g, over, u) + u * u * (2 / 3) * np.square(total))
    return variance + second, worst + np.abs(mean) * _worst(g, over, u)


@dataclass(frozen=True)
class NormalizePullback(_Normal):
    """dE/dz_prev = (ĝ − mean(ĝ) − x̂ mean(ĝ x̂))/√(v + ε), from dE/dz, z_prev, μ, v, γ: (N, n) → (N, n).

    Where the statistics are `fixed`, and no function of z_prev, only the first path is there: ĝ/√(v + ε), from dE/dz,
    v and γ.
    """

    fixed: bool = False

    def evaluate(self, *operands: Array, out: Array | None = None) -> Array:
        g, normal, inverse = self.prepared(operands)
        if self.fixed:
            return moved(g * inverse, out)
        left = g - normal * self.mean(g * normal)
        return moved((left - self.mean(g) if self.centred else left) * inverse, out)

    def prepared(self, operands: tuple[Array, ...]) -> tuple[Array, Array, Array]:
        """ĝ, x̂ and 1/√(v + ε); where the statistics are fixed x̂ is not asked for, and empty."""
        g, a, mean, variance = self._parted(operands)
        inverse = self._inverse(variance)
        normal = np.empty(0) if a is None else (a if mean is None else a - mean) * inverse
        return g, normal, inverse

    def _parted(self, operands: tuple[Array, ...]) -> tuple[Array, Array | None, Array | None, Array]:
        """ĝ, z_prev, μ, v."""
        g, *rest = operands
        a = None if self.fixed else rest.pop(0)
        mean = rest.pop(0) if self.centred and not self.fixed else None
        variance = rest.pop(0)
        return g * rest.pop(0) if self.scaled else g, a, mean, variance

    def mean(self, a: Array) -> Array:
        """Over what the statistics are of."""
        return _mean(a, self.over)

    def rounding(self, result: Array, *operands: Array, at: Precision) -> Local:
        g, a, mean, variance = self._parted(operands)
        s, inverse = at.u / math.sqrt(3), self._inverse(variance)
        share = _shared(self.over)
        first = s * np.abs(g * inverse)
        if a is None:
            return Local(((math.sqrt(2) * first, "entry"), (ROOT * first, share)))
        m, centred = _count(g, self.over), a if mean is None else a - mean
        product, _ = _product_sum(g, a, mean, self.over, at.u)
        through = centred * inverse**3 / m
        third = through * _sum(g * centred, self.over)
        second = np.zeros(()) if mean is None else inverse / m * _sum(g, self.over)
        own = np.sqrt(4 * np.square(first) + s * s * (5 * np.square(third) + 2 * np.square(second) + np.square(result)))
        terms = [(own, "entry"), (np.abs(through) * np.sqrt(product), share), (s * ROOT * 3 * np.abs(third), share)]
        terms.append((s * ROOT * np.abs(g * inverse - second), share))
        if mean is not None:
            sums = inverse / m * np.sqrt(_sum_variance(g, self.over, at.u))
            terms.append((np.broadcast_to(sums, result.shape), share))
        return Local(tuple(terms))

    def shape(self, *shapes: Shape) -> Shape:
        return shapes[0]

    def render(self, *symbols: str) -> str:
        g, *rest = symbols
        a = "" if self.fixed else rest.pop(0)
        mean = rest.pop(0) if self.centred and not self.fixed else ""
        root = self._root(rest.pop(0))
        g = f"{rest.pop(0)} ⊙ {g}" if self.scaled else g
        if not a:
            return f"{g}/{root}"
        over = "N" if self.over == "batch" else "k"
        middle = f" − 1/{'N' if self.over == 'batch' else 'n'} Σ_{over} ĝ" if mean else ""
        return f"(ĝ{middle} − x̂ · 1/{'N' if self.over == 'batch' else 'n'} Σ_{over} ĝ x̂)/{root}, ĝ = {g}"
