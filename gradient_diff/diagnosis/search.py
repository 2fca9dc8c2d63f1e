"""Which mistakes, made on purpose, give just the hand's arrays: one, the same in several places, or two at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.diagnosis.catalogue import FAMILIES, MISTAKES
from gradient_diff.diagnosis.factors import fit, is_close, may_be_a_rate
from gradient_diff.diagnosis.mistakes.scale import fit_rates, take_update
from gradient_diff.diagnosis.reenactment.enact import Committed, after, enact, explained, residual, spoils
from gradient_diff.diagnosis.reenactment.scene import Scene
from manual_mlp.extend import Arrays, is_gradient

MOST_FIRSTS = 12  # single mistakes on which a second one is tried
_ORDER = list(MISTAKES)


@dataclass(frozen=True, eq=False)
class Explanation:
    """Mistakes that together give the hand's arrays.

    Attributes:
        mistakes: one, or two at once.
        residual: what they leave, in units of what rounding explains.
    """

    mistakes: tuple[Committed, ...]
    residual: float

    @property
    def rank(self) -> tuple[int, int, int]:
        """Fewest fitted constants, then fewest places, then the order of the list."""
        constants, places = sum(m.constants for m in self.mistakes), sum(m.places for m in self.mistakes)
        return constants, places, min(map(_order, self.mistakes))


def _order(mistake: Committed) -> int:
    return _ORDER.index(mistake.id) if mistake.id in MISTAKES else -1


def explanations(scene: Scene, *, alone: bool = False) -> list[Explanation]:
    """All single mistakes that explain the hand, else (but for `alone`) one in several places, else two; best first.

    A hand that is a multiple of the right arrays is explained by factors alone, and by no pair with a fitted one: a
    free constant makes any other factor fit.
    """
    candidates = all_mistakes(scene)
    found = list(_fitting(scene, [(m,) for m in candidates]))
    factor = _multiple(scene)
    if factor is not None:
        if all(e.rank[0] for e in found):
            found += _fitting(scene, _products(candidates, factor))
    elif not found and not alone and not all(scene.good.values()):  # where nothing is off on the whole, any pair fits
        gains = _gains(scene, candidates)
        found = _in_several_places(scene, candidates, gains) or _pairs(scene, gains)
    return sorted(found, key=lambda e: e.rank)


def all_mistakes(scene: Scene) -> list[Committed]:
    """Every single mistake that can be made here."""
    found: list[Committed] = []
    for family in FAMILIES:
        try:
            found.extend(family(scene))
        except ValueError:
            continue
    return found


def _fitting(scene: Scene, tries: Sequence[tuple[Committed, ...]]) -> Iterator[Explanation]:
    for mistakes in tries:
        left = residual(scene, mistakes)
        if left <= 1:
            yield Explanation(mistakes, left)


def _multiple(scene: Scene) -> float | None:
    """The factor of the right gradients that the hand's are; None if they are no multiple."""
    factor = scene.factor
    fits = factor and np.isfinite(factor) and residual(scene, [take_update(factor)]) <= 1
    return factor if fits else None


def _products(candidates: list[Committed], factor: float) -> list[tuple[Committed, ...]]:
    """−N is a sign and a missing mean; and what undoes itself is no mistake."""
    if is_close(factor, 1):
        return []
    known = [m for m in candidates if m.factor is not None and not m.constants and m.factor != 1]
    pairs = [(a, b) for i, a in enumerate(known) for b in known[i + 1 :] if a.id != b.id and a.factor and b.factor]
    return [(a, b) for a, b in pairs if is_close((a.factor or 0) * (b.factor or 0), factor)]


@dataclass(frozen=True, eq=False)
class Gain:
    """What one mistake alone does for the hand.

    Attributes:
        mistake: it.
        fixed: arrays that were off and that it explains.
        broken: arrays that were right and that it spoils.
        factor: the hand is this times what the mistake gives, in every gradient; None if it is not.
    """

    mistake: Committed
    fixed: frozenset[str]
    broken: frozenset[str]
    factor: float | None

    @property
    def rank(self) -> tuple[int, int, tuple[int, int, int]]:
        """Most fixed, then fewest broken."""
        return -len(self.fixed), len(self.broken), Explanation((self.mistake,), 0).rank


def _gains(scene: Scene, candidates: list[Committed]) -> list[Gain]:
    base = {n for n, good in scene.good.items() if good}
    gains = []
    for mistake in candidates:
        predicted = None if _is_beside(scene, mistake) else enact(scene, [mistake], spoils)
        if predicted is not None:
            met = explained(scene, predicted)
            factor = None if mistake.factor else _common_factor(scene, predicted)
            gains.append(Gain(mistake, frozenset(met - base), frozenset(base - met), factor))
    return sorted(gains, key=lambda g: g.rank)


def _is_beside(scene: Scene, mistake: Committed) -> bool:
    """Whether nothing that is off hangs on it, and an array beside it shows that no factor is at work."""
    if mistake.finish is not None or mistake.data or mistake.erased:
        return False
    met = frozenset().union(*(scene.reached.get(n, frozenset()) for n in (*mistake.swaps, *mistake.before)))
    if not met.isdisjoint(scene.off):
        return False
    return any(scene.good[n] and n not in met and np.any(scene.right[n]) for n in scene.gradients)


def _common_factor(scene: Scene, predicted: Arrays) -> float | None:
    nodes = [n for n in scene.nodes if is_gradient(n)]
    if any(predicted[n].shape != scene.hand[n].shape for n in nodes):
        return None
    factor = fit(scene.hand, predicted, nodes)
    if not factor or not np.isfinite(factor):
        return None
    first = sorted(nodes, key=scene.good.__getitem__)  # what is off says no soonest
    return factor if all(scene.near(n, factor * predicted[n]) for n in first) else None


def _in_several_places(scene: Scene, candidates: list[Committed], gains: list[Gain]) -> list[Explanation]:
    """The same mistake in some of the layers: added one by one as long as more is explained."""
    found: list[Explanation] = []
    for first in [g.mistake for g in gains if g.fixed and g.mistake.layer][:MOST_FIRSTS]:
        chosen, met = [first], _met(scene, [first])
        while len(met) < len(scene.nodes):
            rest = [m for m in candidates if m.id == first.id and m.layer and m.layer not in {c.layer for c in chosen}]
            best = max(rest, key=lambda m: len(_met(scene, [*chosen, m])), default=None)
            after = set() if best is None else _met(scene, [*chosen, best])
            if best is None or len(after) <= len(met):
                break
            chosen, met = [*chosen, best], after
        if len(met) == len(scene.nodes):
            found += _fitting(scene, [tuple(chosen)])
    return [Explanation((_as_one(scene, e.mistakes),), e.residual) for e in found]


def _met(scene: Scene, mistakes: list[Committed]) -> set[str]:
    predicted = enact(scene, mistakes)
    return set() if predicted is None else explained(scene, predicted)


def _as_one(scene: Scene, mistakes: tuple[Committed, ...]) -> Committed:
    """One cause that acts in several layers."""
    every = [str(layer.name) for layer in scene.problem.mlp.layers]
    layers = sorted((m.layer for m in mistakes), key=every.index)
    constants = sum(m.constants for m in mistakes)
    where = "" if layers == scene.names else ", ".join(layers)
    return replace(mistakes[0], layer=where, places=len(mistakes), constants=constants)


def _pairs(scene: Scene, gains: list[Gain]) -> list[Explanation]:
    """Two mistakes at once: the first explains some arrays alone, or is a factor; the second then explains the rest."""
    scaled = [(g.mistake, g.factor) for g in gains if not g.mistake.constants]
    tries = [(mistake, take_update(factor)) for mistake, factor in scaled if may_be_a_rate(factor)]
    found = list(_fitting(scene, tries))
    firsts = [gain.mistake for gain in gains if gain.fixed][:MOST_FIRSTS]
    others = [g.mistake for g in gains if g.mistake not in firsts]
    firsts += [m for m in others if m.erased] + _different(m for m in others if m.factor and not m.constants)
    for first in (*firsts, *fit_rates(scene)):
        seconds = _seconds(scene, first)
        found += seconds
        if any(e.rank[0] == 0 for e in seconds):
            return found + _seconds(scene, min(seconds, key=lambda e: e.rank).mistakes[1])
    return found


def _different(factors: Iterable[Committed]) -> list[Committed]:
    """One of those that multiply by the same number: what is left to explain is the same."""
    found: list[Committed] = []
    for mistake in factors:
        if not any(is_close(mistake.factor or 0, other.factor or 1) for other in found):
            found.append(mistake)
    return found


def _seconds(scene: Scene, first: Committed) -> list[Explanation]:
    """Every mistake that explains what is left once the first is granted."""
    granted = after(scene, first)
    if granted is None:
        return []
    tries = [(m,) for m in all_mistakes(granted) if (m.id, m.layer) != (first.id, first.layer)]
    return [Explanation((first, *e.mistakes), e.residual) for e in _fitting(granted, tries)]
