"""Local rounding: what one operation adds to the error of its result when its operands are exact.

Letters: u is the unit roundoff, s² = u²/3 the variance of one rounding, η what a number close to 0 loses when it is
stored, ξ a random number of variance 1, uniform on ±√3. Everything else follows from running the equations with these
roundings added.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from manual_mlp.arrays import Array
from manual_mlp.dtypes import LOST, SUMS, UNITS

Share: TypeAlias = Literal["entry", "unit", "row", "all"]
Terms: TypeAlias = tuple[tuple[Array, Share], ...]

SHORT = 16  # terms of a product whose partial sums need not be looked at
LARGE, FEWER_BLOCKS = 1_000_000, 2  # entries of a product from which on two places must do: each costs several passes
BLOCKS = 8  # partial sums of a long product are looked at at this many places
GATE = 16.0  # the largest difference, in σ, that rounding is held to explain; a product's worst case is fitted to it


STORED_AS_ONE = 1 / 32
"""Of u: what is no further from 1 than this is stored as 1 by every library. NumPy 2.4 and TensorFlow 2.21 (eager,
graph, XLA) in four dtypes: sigmoid from u/2 on, tanh from 0.07 u (NumPy, float32) and 0.08 u (XLA, float64) on."""


@dataclass(frozen=True)
class Precision:
    """How finely somebody computes.

    Attributes:
        u: the unit roundoff whose roundings are added.
        sums: that in which the terms of a product of matrices are added.
        own: that of the dtype; float64's roundings are drawn larger than they are.
        eta: η, drawn larger by as much.
    """

    u: float
    sums: float
    own: float
    eta: float = LOST["float64"]

    @classmethod
    def of(cls, dtype: str, loops: bool = False, least: float = 0.0) -> Precision:
        """That of a dtype; `loops`: products may be added one by one in it; drawn at no less than `least`."""
        own = UNITS[dtype]
        u = max(least, own)
        sums = u if loops or dtype not in SUMS else max(least, UNITS[SUMS[dtype]])
        return cls(u, sums, own, LOST[dtype] * (u / own))

    @classmethod
    def plain(cls, u: float) -> Precision:
        """One unit roundoff for everything."""
        return cls(u, u, u)

    @property
    def loops(self) -> bool:
        """Whether terms may be added one by one in the dtype itself; in float32 and float64 they always are."""
        return self.sums >= self.u

    def settled(self, terms: Terms, z: Array, edge: float | None, size: Array | float | None = None) -> Terms:
        """The same terms, but where |z| is stored as its edge: there nothing rounds, and all that is off is the gap.

        `size`: what an entry is off by there, instead.
        """
        if edge is None or not terms or self.own <= UNITS["float64"]:
            return terms  # in float64 z itself is stored: how far from its edge it was, nobody knows any more
        gap = np.abs(np.abs(z) - edge)
        stored = gap < STORED_AS_ONE * self.own
        if not stored.any():
            return terms
        rest = tuple((np.where(stored, 0.0, a), share) for a, share in terms)
        if size is not None:
            return *rest, (np.where(stored, size, 0.0), terms[0][1])
        # Of one sign, away from 0, in every sample and unit alike: along a batch and through a kernel they add up.
        return *rest, (np.where(stored, np.sign(z) * gap * (self.u / self.own), 0.0), "all")


ONCE: Terms = ((np.ones(()), "entry"),)  # every entry is stored once


@dataclass(frozen=True)
class Local:
    """The local rounding of one result.

    Attributes:
        terms: (amplitude, share): a standard deviation per entry, and which entries share one random number: none
            ("entry"), all samples of a unit ("unit"), all units of a sample ("row"), or all.
        bound: what errors that repeat along the batch may add beside σ.
        lost: the same in units of η, what storing a number close to 0 loses.

    Example:
        >>> import numpy as np
        >>> Local(((np.array([[3.0]]), "entry"), (np.array([[4.0]]), "unit"))).variance
        array([[25.]])
    """

    terms: Terms = ()
    bound: Array | float = 0.0
    lost: Terms = ONCE

    @property
    def variance(self) -> Array:
        """Σ amplitude²."""
        return _total(self.terms)

    @property
    def lost_variance(self) -> Array:
        """The same of what is lost close to 0, in units of η²."""
        return _total(self.lost)

    def reshaped(self, shape: tuple[int, ...]) -> Local:
        """The same of a result (N, n) that has more axes: all but the last count samples."""

        def spread(terms: Terms) -> Terms:
            return tuple((_spread(a, shape), share) for a, share in terms)

        bound = self.bound if isinstance(self.bound, float) else _spread(self.bound, shape)
        return Local(spread(self.terms), bound, spread(self.lost))

    def add_draw(self, result: Array, rng: np.random.Generator, eta: float) -> None:
        """result += Σ amplitude · ξ, what is lost close to 0 among them."""
        for amplitude, share in self.terms:
            xi = rng.random(_shape(result.shape, share), dtype=np.float32)
            xi -= np.float32(0.5)
            xi *= np.float32(math.sqrt(12))
            lost = [multiple for multiple, shared in self.lost if shared == share]
            result += (amplitude + eta * sum(lost) if lost else amplitude) * xi


def _spread(a: Array, shape: tuple[int, ...]) -> Array:
    return a.reshape(shape) if a.ndim == 2 and len(a) == math.prod(shape[:-1]) else a


def _total(terms: Terms) -> Array:
    return np.asarray(sum((np.square(amplitude) for amplitude, _ in terms), np.zeros(())))


def _shape(shape: tuple[int, ...], share: Share) -> tuple[int, ...]:
    if share == "entry" or len(shape) < 2:
        return shape if share == "entry" else (1,) * len(shape)
    ones = (1,) * (len(shape) - 1)  # of (N, T, n) every timestep is a sample
    return {"unit": (*ones, shape[-1]), "row": (*shape[:-1], 1), "all": (*ones, 1)}[share]


def entry(amplitude: Array) -> Local:
    """Independent errors, one per entry."""
    return Local(((amplitude, "entry"),))


def product_rounding(a: Array, b: Array, product: Array, u: float, start: Array | None = None) -> tuple[Array, Array]:
    """ℓ² of S = A B over n terms, whatever the order of summation, and u n max_j max(|C_j|, |S − C_j|), its worst case.

    With Q = A² B² (squares entry by entry) and C_j the partial sums at the ends of blocks of length m_j:
    n ≤ 16: ℓ² = s² (n + 1) (Q/6 + S²/3);
    n > 16: ℓ² = s² [Σ_j m_j (C_{j−1}² + C_{j−1} C_j + C_j²)/3 + Q (1 + (n + 1)/48)].

    `start` is what a running sum may begin with: XLA adds the bias first where a matrix meets a vector, and then every
    partial sum is as large as the bias.
    """
    n = a.shape[1]
    blocks = BLOCKS if product.size < LARGE else FEWER_BLOCKS
    squares, largest, before = np.zeros_like(product), np.zeros_like(product), np.zeros_like(product)
    for length, after in _partial_sums(a, b, blocks):
        step = before + after  # C₀² + C₀ C₁ + C₁² = (C₀ + C₁)² − C₀ C₁, in place: these arrays can be large
        np.square(step, out=step)
        step -= np.multiply(before, after, out=before)
        step *= length / 3
        squares += step
        np.maximum(largest, np.abs(after, out=step), out=largest)
        np.maximum(largest, np.abs(np.subtract(product, after, out=step), out=step), out=largest)
        before = after
    if n <= SHORT:
        return short_product_variance(a, b, product, u, start), u * n * largest
    q = np.square(a) @ np.square(b)
    variance = u * u / 3 * (squares + q * (1 + (n + 1) / (6 * blocks)))
    return variance + _offset(n, u, start), u * n * largest


def short_product_variance(a: Array, b: Array, product: Array, u: float, start: Array | None = None) -> Array:
    """ℓ² of a product of at most 16 terms, as in `product_rounding`, without its partial sums."""
    n = a.shape[1]
    q = np.square(a) @ np.square(b)
    return np.asarray(u * u / 3 * (n + 1) * (q / 6 + product * product / 3) + _offset(n, u, start))


def _offset(n: int, u: float, start: Array | None) -> Array | float:
    """(C + b)² is at most 2 C² + 2 b², near enough."""
    return 0.0 if start is None else (n + 1) * u * u / 3 * np.square(start)


def _partial_sums(a: Array, b: Array, blocks: int) -> Iterator[tuple[int, Array]]:
    """(block length, A B up to the end of the block)."""
    ends = np.linspace(0, a.shape[1], min(blocks, a.shape[1]) + 1).astype(int)
    total: Array | float = 0.0
    for start, end in itertools.pairwise(ends):
        total = total + a[:, start:end] @ b[start:end]
        yield int(end - start), np.asarray(total)


def sum_rounding(terms: Array, u: float) -> tuple[Array, Array]:
    """ℓ² = s² Σ c_i² of a sum along the first axis with exact running sums c_i, and u N max_i max(|c_i|, |S − c_i|)."""
    running = np.cumsum(terms, axis=0)
    largest = np.maximum(np.abs(running), np.abs(running[-1] - running)).max(axis=0)
    return u * u / 3 * np.square(running).sum(axis=0), u * len(terms) * largest


def row_sum_rounding(terms: Array, u: float) -> Array:
    """ℓ of Σ_k along the last axis, s √((K + 1)(Σ terms²/6 + (Σ terms)²/3)); (N, K) → (N, 1)."""
    total = terms.sum(axis=-1, keepdims=True)
    squares = np.square(terms).sum(axis=-1, keepdims=True)
    return u / math.sqrt(3) * np.sqrt((terms.shape[-1] + 1) * (squares / 6 + total * total / 3))
