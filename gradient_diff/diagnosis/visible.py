"""What is plain to see in arrays that no known mistake explains: layer by layer, each array by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gradient_diff.diagnosis.factors import SAME
from gradient_diff.diagnosis.reenactment.scene import CLEARLY
from gradient_diff.diagnosis.signatures import ROUNDINGS
from gradient_diff.judging.case import Case
from manual_mlp import Array
from manual_mlp.extend import UNITS, layer_of

OTHERWISE = "off in another way"


@dataclass(frozen=True, eq=False)
class Seen:
    """Arrays that are off, as one: every entry of each.

    Attributes:
        hand, reference: the entries in float64.
        limit: what rounding explains of each.
    """

    hand: Array
    reference: Array
    limit: Array

    @classmethod
    def of(cls, case: Case, nodes: Sequence[str]) -> Seen:
        """Several arrays end to end."""
        flat = [(np.ravel(case.hand[n]), np.ravel(case.reference[n]), np.ravel(limit_of(case, n))) for n in nodes]
        hand, reference, limit = (np.concatenate(parts).astype(np.float64) for parts in zip(*flat, strict=True))
        return cls(hand, reference, limit)

    @property
    def words(self) -> str:
        """What all entries have in common, as a predicate; empty where nothing is."""
        return self._nothing() or self._factor() or self._constant()

    def _nothing(self) -> str:
        return "all zero" if np.any(self.reference) and not np.any(self.hand) else ""

    def _factor(self) -> str:
        """One entry alone is some multiple of any other."""
        size = float(np.vdot(self.reference, self.reference))
        fitted = float(np.vdot(self.reference, self.hand)) / size if size else 0.0
        if np.count_nonzero(self.reference) < 2 or not fitted or not np.isfinite(fitted) or abs(fitted - 1) < SAME:
            return ""
        short = float(f"{fitted:.6g}")
        exact = np.array_equal(self.hand, short * self.reference)
        left = np.abs(self.hand - fitted * self.reference)
        room = max(1.0, abs(fitted)) * self.limit
        if not exact and not self._tells(left, room, fitted * self.reference):
            return ""
        return f"{'exactly ' * exact}{_signed(short)} times the reference"

    def _constant(self) -> str:
        """One number added, larger than the rounding of it."""
        added = self.hand - self.reference
        constant = float(added.mean()) if added.size else 0.0
        if added.size < 2 or not self._tells(np.abs(added - constant), self.limit, np.full(added.shape, constant)):
            return ""
        return f"the reference with a constant, {_signed(float(f'{constant:.6g}'))}, added to every entry"

    @staticmethod
    def _tells(left: Array, room: Array, what: Array) -> bool:
        """Nothing is left but rounding, and what explains it is more than that."""
        return bool((left <= room).all()) and bool((np.abs(what) > CLEARLY * room).any())


def limit_of(case: Case, node: str) -> Array:
    """What rounding explains of a node; where nobody says it, what two derivations of one tensor may differ by."""
    h, r = case.hand[node], case.reference[node]
    if case.noise is not None and node in case.noise.sigma:
        return np.broadcast_to(case.noise.tolerance(node), r.shape)
    unit = max(UNITS.get(a.dtype.name, UNITS["float64"]) for a in (h, r))
    largest = max(float(np.abs(np.asarray(a, np.float64)).max(initial=0.0)) for a in (h, r))
    return np.full(r.shape, ROUNDINGS * unit * largest)


def what_is_visible(case: Case, off: Sequence[str]) -> str:
    """A sentence of what each layer shows by itself; empty where nothing does.

    `off`: the nodes whose values are off, in the order of the computation.
    """
    told = [line for layer, nodes in _by_layer(off).items() for line in _layer(case, layer, nodes)]
    if all(words == OTHERWISE for _, words in told):
        return ""
    grouped: dict[str, list[str]] = {}
    for who, words in told:
        grouped.setdefault(words, []).append(who)
    said = "; ".join(f"{_listed(who)} {'is' if len(who) == 1 else 'are'} {words}" for words, who in grouped.items())
    return f"{said}."


def _by_layer(nodes: Sequence[str]) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for node in nodes:
        found.setdefault(layer_of(node) or node, []).append(node)
    return found


def _layer(case: Case, layer: str, off: list[str]) -> Iterator[tuple[str, str]]:
    """(who, what): the whole layer where all that it has is off alike, else array by array."""
    every = [n for n in case.sound if layer_of(n) == layer]
    together = Seen.of(case, off).words
    if len(off) > 1 and set(off) == set(every) and (together or not any(_alone(case, n) for n in off)):
        yield layer, together or OTHERWISE
        return
    for node in off:
        yield node, _alone(case, node) or together or OTHERWISE


def _alone(case: Case, node: str) -> str:
    h, r = case.hand[node], case.reference[node]
    if h.ndim == 2 and h.shape == h.shape[::-1] and (np.abs(h.T - r) <= limit_of(case, node)).all():
        return "the transpose of the reference"
    return Seen.of(case, [node]).words


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _signed(number: float) -> str:
    return f"{number:.6g}".replace("-", "−")
