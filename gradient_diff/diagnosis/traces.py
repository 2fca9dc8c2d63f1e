"""What arrays tell of themselves beside the list of mistakes: that they are weights, coarse, or one factor off."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from gradient_diff.diagnosis.clipped import clipping
from gradient_diff.judging.case import Case
from gradient_diff.noise.network import Kind
from manual_mlp import Array, gradient_node
from manual_mlp.extend import UNITS, Arrays

DECIMALS = range(1, 9)  # that people write numbers with
SIGNS = 1e-2  # relative: a first step of Adam is lr · g/(|g| + ε), this near to lr for every |g| above 100 ε
MOST_RATE = 10.0  # no step is longer
_FINER = UNITS["float32"] / UNITS["float64"]


@dataclass(frozen=True, eq=False)
class Traces:
    """Gradients that are off, and what can be seen of them.

    Attributes:
        hand, reference: node → array, names and shapes agreeing.
        limit: node → what rounding explains.
        weights: node → what the gradient is of; no names where they are unknown.
        computed: the limit is that of computing in these dtypes, and no tolerance of somebody's own.
    """

    hand: Arrays
    reference: Arrays
    limit: Arrays
    weights: Arrays = field(default_factory=dict)
    computed: bool = False

    @classmethod
    def of(cls, case: Case) -> Traces:
        """Of the gradients of parameters; of all arrays where the network is unknown."""
        own = {gradient_node(n): a for n, a in case.problem.parameters.items()} if case.problem else {}
        known = {} if case.noise is None else case.noise.sigma
        names = [n for n in case.hand if n in known and (n in own or case.problem is None)]
        limit = {n: case.noise.tolerance(n) for n in names} if case.noise else {}
        computed = case.noise is not None and case.noise.kind in (Kind.NETWORK, Kind.DRAWN)
        hand, reference = ({n: _float64(side[n]) for n in names} for side in (case.hand, case.reference))
        fine = all(side[n].dtype == np.float64 for side in (case.hand, case.reference) for n in names)
        return cls(hand, reference, limit, own, computed and fine)

    @property
    def no_gradients(self) -> str:
        """That the network's own weights were handed over, before or after a step; empty where they were not."""
        if not self.hand or not self.hand.keys() <= self.weights.keys() or not any(map(np.any, self.hand.values())):
            return ""
        w = {n: _float64(self.weights[n]) for n in self.hand}
        if all(np.array_equal(a, w[n]) for n, a in self.hand.items()):
            return "These are the network's own weights, and not gradients. Hand over dE/dW under their names."
        moved = {n: w[n] - a for n, a in self.hand.items()}
        rate = _factor(moved, self.reference)
        unit = UNITS.get(next(iter(self.weights.values())).dtype.name, 0.0)
        stored = {n: 2 * unit * (np.abs(w[n]) + np.abs(a)) + rate * self.limit[n] for n, a in self.hand.items()}
        if not 0 < rate <= MOST_RATE or not _near(moved, rate, self.reference, stored):
            return ""
        step = f"W − lr dE/dW with lr = {rate:.4g}"
        return f"These are the weights after a step, {step}, and not gradients. Hand over dE/dW."

    @property
    def words(self) -> str:
        """A sentence or two, where something is to be seen; empty otherwise."""
        return (self._few_decimals() or self._as_float32() or self._signs() or self._one_factor()) if self.hand else ""

    @property
    def clipped(self) -> str:
        """How gradients that are right were clipped afterwards; empty where that is not to be seen."""
        return clipping(self.hand, self.reference, self.limit)

    def _few_decimals(self) -> str:
        for decimals in DECIMALS:
            half = {n: 0.5 * 10.0**-decimals + limit for n, limit in self.limit.items()}
            rounded = all(np.array_equal(a, np.round(a, decimals)) for a in self.hand.values())
            if rounded and _near(self.hand, 1.0, self.reference, half):
                return (
                    f"Every entry is rounded to {decimals} decimals, and no further off than that. "
                    "Save the arrays as they are."
                )
        return ""

    def _as_float32(self) -> str:
        """Rounding is in proportion to u, so that of float32 is that of float64 times 2²⁹."""
        coarse = {n: _FINER * limit for n, limit in self.limit.items()}
        if not self.computed or not _near(self.hand, 1.0, self.reference, coarse):
            return ""
        return (
            "The difference is no larger than the rounding of float32, but both sides are float64: was an array, a "
            "constant or the learning rate float32 on the way? Keras's own training casts data, losses and rates to "
            "keras.config.floatx()."
        )

    def _signs(self) -> str:
        sizes = np.abs(np.concatenate([np.ravel(a) for a in self.hand.values()]))
        sizes = sizes[sizes > 0]
        size = float(sizes.max()) if sizes.size > 1 else 0.0
        if not size or (np.abs(sizes - size) > SIGNS * size).any():
            return ""
        return (
            f"Every entry is ±{size:.2g} or 0, however large the gradient is, as after a first step of Adam or "
            "RMSprop. Only a step of plain gradient descent tells the gradient."
        )

    def _one_factor(self) -> str:
        factor = _factor(self.hand, self.reference)
        room = {n: max(1.0, abs(factor)) * limit for n, limit in self.limit.items()}
        if not factor or not _near(self.hand, factor, self.reference, room):
            return ""
        return (
            f"All of it is {factor:.6g} times the reference: one constant, as of a weight of the loss or of clipping "
            "by the norm."
        )


def _factor(hand: Arrays, reference: Arrays) -> float:
    """c of c · reference that comes nearest to the hand; every array counts for as much."""
    known = {n: r for n, r in reference.items() if np.any(r)}
    shares = [float(np.vdot(r, hand[n]) / np.vdot(r, r)) for n, r in known.items()]
    return float(np.median(shares)) if shares else 0.0


def _near(hand: Arrays, factor: float, reference: Arrays, room: Arrays) -> bool:
    return all(bool((np.abs(a - factor * reference[n]) <= room[n]).all()) for n, a in hand.items())


def _float64(a: Array) -> Array:
    return np.asarray(a, np.float64)
