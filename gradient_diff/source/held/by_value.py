"""Which place is which parameter, by value: in any layout, and of equal values the one that the step hangs on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from gradient_diff.source.held.called import strange_words
from gradient_diff.source.held.influence import Influence
from gradient_diff.source.held.places import Place
from gradient_diff.source.held.ways import Binding, Ways
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays


@dataclass(frozen=True, eq=False)
class ByValue:
    """What was found.

    Attributes:
        bindings: parameter → where it is.
        doubts: parameter → the other places that hold the same numbers, where names alone decided.
    """

    bindings: dict[str, Binding]
    doubts: dict[str, tuple[str, ...]]


def by_value(places: Sequence[Place], ways: Ways, parameters: Arrays, influence: Influence) -> ByValue:
    """Every parameter whose values some place holds."""
    held = [(p, value) for p in places if (value := p.value).size in ways.sizes]
    found: dict[str, list[Binding]] = {}
    for place, value in held:
        for way in ways.of(value.shape):
            read = way.read(value)
            if all(_is(read[n], parameters[n]) for n in read):
                for name in read:
                    found.setdefault(name, []).append(Binding(place, way))
    apart = {n: _apart(bindings) for n, bindings in found.items()}
    held_by = {b.path: b.place for several in apart.values() for b in several}
    used = {path for path, place in held_by.items() if influence.is_used(place)}
    live = {n: [b for b in several if b.path in used] for n, several in apart.items()}
    return _one_each({n: several for n, several in live.items() if several}, influence)


def _is(held: Array, parameter: Array) -> bool:
    """The same numbers, but for the rounding of the coarser of two dtypes."""
    unit = max(UNITS.get(a.dtype.name, 0.0) for a in (held, parameter)) if held.dtype != parameter.dtype else 0.0
    wanted = np.asarray(parameter, np.float64)
    return bool((np.abs(np.asarray(held, np.float64) - wanted) <= unit * np.abs(wanted)).all())


def _apart(bindings: Iterable[Binding]) -> list[Binding]:
    """Of several names of one memory the first."""
    kept: list[Binding] = []
    for binding in bindings:
        if not any(b.path == binding.path or np.may_share_memory(b.place.value, binding.place.value) for b in kept):
            kept.append(binding)
    return kept


def _one_each(found: dict[str, list[Binding]], influence: Influence) -> ByValue:
    """Where several places hold the same numbers, a velocity of zeros beside a bias: the one that others hang on."""
    rivals = {b.path: b.place for several in found.values() if len(several) > 1 for b in several}
    weights = {p.path for p in influence.weights_among(rivals.values())} if rivals else set()
    sure = {n: several[0] for n, several in found.items() if len(several) == 1}
    doubts = {}
    for name, several in found.items():
        if len(several) == 1:
            continue
        likely = [b for b in several if b.path in weights] or several
        best = min(likely, key=lambda b: _unlikely(name, b.path, sure))
        others = tuple(b.path for b in likely if b is not best)
        sure[name] = best
        if others:
            doubts[name] = others
    return ByValue({n: sure[n] for n in found}, doubts)


def _unlikely(name: str, path: str, sure: dict[str, Binding]) -> tuple[int, int]:
    """How little a path looks like that of a parameter: far from the layer's other one, another word in its name."""
    layer = name.rpartition("/")[0]
    beside = [b.path for n, b in sure.items() if n.rpartition("/")[0] == layer]
    return -max((_common(path, other) for other in beside), default=0), strange_words(path)


def _common(path: str, other: str) -> int:
    """What two paths share: as many numbers, and what they begin with."""
    numbers = re.findall(r"\d+", path) == re.findall(r"\d+", other)
    parts = [re.findall(r"\w+", p) for p in (path, other)]
    same = next((i for i, (a, b) in enumerate(zip(*parts, strict=False)) if a != b), min(map(len, parts)))
    return 2 * numbers + same
