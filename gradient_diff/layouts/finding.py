"""find_reading: the one layout in which all arrays have come; as given where there is none, or values cannot tell."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from gradient_diff.layouts.evidence import exact, is_better, voices
from gradient_diff.layouts.forms import AS_GIVEN, BIASES, KERNELS, SAMPLES, Form
from gradient_diff.layouts.naming import Pairing, layers_in_words, missing_names, pairings, unknown_names
from gradient_diff.layouts.orders import orders
from gradient_diff.layouts.packing import THETAS, InVector, in_thetas
from gradient_diff.layouts.reading import Reading, shapes_of
from gradient_diff.layouts.settling import ENOUGH, Settled, may_turn, settle
from gradient_diff.layouts.target import Target
from gradient_diff.layouts.words import in_places
from manual_mlp.extend import Arrays, variable_of

MOST = 0.5  # of the arrays


@dataclass(frozen=True)
class Found:
    """What was found of a layout.

    Attributes:
        reading: what is to be undone.
        others: readings that shapes allow, too, and that values neither choose nor rule out.
    """

    reading: Reading = field(default_factory=Reading)
    others: tuple[Reading, ...] = ()


def find_reading(given: Arrays, target: Target) -> Found:
    """The layout of these arrays, by the shapes and values of the reference."""
    packed = [r for r in _packed(given, target) if r.packing and r.packing.fits(given, shapes_of(target))]
    if packed:
        return _clearly(packed, given, target)
    found = pairings(given, target)
    read = [_read(given, way, target) for way in found.ways]
    whole = [one for one in read if one.whole]
    if not whole:
        return _of_a_broken_hand(read, found.certain or found.stated)
    if found.stated:
        return whole[0].found
    if whole[0] is read[0] and (not found.ways[0].order or in_places(unknown_names(given, target))):
        return _unless_another_fits(whole, given, target)
    return _clearly([one.found.reading for one in whole], given, target)


def _of_a_broken_hand(read: Sequence[_Read], certain: bool) -> Found:
    """Some shapes fit no form: what most arrays say holds, else the names alone where they are the reference's own."""
    if not read:
        return Found()
    best = read[0] if certain else max(read, key=lambda one: one.share)
    if best.share > MOST:
        return best.found
    return Found(replace(best.found.reading, forms={})) if certain else Found()


@dataclass(frozen=True)
class _Read:
    """A pairing with the forms of its arrays: `share` of them have a shape that some form has, `whole` if all do."""

    found: Found
    share: float
    whole: bool


def _read(given: Arrays, way: Pairing, target: Target) -> _Read:
    renamed = Reading(way.names).undo(given, {})
    known = {n: a for n, a in renamed.items() if (r := target.array(n)) is not None and a.size == r.size}
    wanted = {n: r for n in renamed if (r := target.array(n)) is not None}
    groups = [(forms, [n for n in known if target.forms(n) == forms]) for forms in (KERNELS, BIASES, SAMPLES)]
    settled = [(names, _settled(known, wanted, names, forms)) for forms, names in groups]
    forms = {n: s.form for names, s in settled for n in names}
    reading = Reading(way.names, way.order, None, forms)
    others = tuple(_with(reading, names, form) for names, s in settled for form in s.doubt)
    fits = [forms.get(n, AS_GIVEN).fits(known[n], wanted[n].shape) for n in known]
    alike = [any(f.fits(known[n], wanted[n].shape) for f in target.forms(n)) for n in known]
    return _Read(Found(reading, others), sum(alike) / max(len(wanted), 1), sum(fits) == len(wanted) > 0)


def _settled(known: Arrays, wanted: Arrays, names: Sequence[str], forms: Sequence[Form]) -> Settled:
    return settle({n: known[n] for n in names}, {n: wanted[n] for n in names}, forms)


def _with(reading: Reading, names: Sequence[str], form: Form) -> Reading:
    return replace(reading, forms={**reading.forms, **dict.fromkeys(names, form)})


def _unless_another_fits(whole: Sequence[_Read], given: Arrays, target: Target) -> Found:
    """The ordinary order, unless another is nearer in every array."""
    first, *rest = whole
    shapes = shapes_of(target)
    for one in rest:
        other, own = (r.found.reading.undo(given, shapes) for r in (one, first))
        if voices(other, own, target.gradients) >= ENOUGH:
            first = one
    return first.found


def _clearly(readings: Sequence[Reading], given: Arrays, target: Target) -> Found:
    """The reading in which most arrays are right, or that is nearer than every other; else none, and all are said."""
    shapes = shapes_of(target)
    read = [(r, r.undo(given, shapes)) for r in readings]
    right = [exact(arrays, target.gradients) for _, arrays in read]
    best = [one for one, count in zip(read, right, strict=True) if count == max(right) > 0]
    if best and all(_same(arrays, best[0][1]) for _, arrays in best):
        return _unless_it_may_be_a_mistake(best[0][0], target)
    for reading, arrays in read:
        if all(is_better(arrays, other, target.gradients) for r, other in read if r is not reading):
            return _unless_it_may_be_a_mistake(reading, target)
    return Found(others=tuple(readings))


def _same(one: Arrays, other: Arrays) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(a, other[n]) for n, a in one.items())


def _unless_it_may_be_a_mistake(reading: Reading, target: Target) -> Found:
    """One square kernel column by column is a transposed one, row by row, as well."""
    packing = reading.packing
    turned = isinstance(packing, InVector) and packing.turned
    if not turned or may_turn(a.shape for a in target.gradients.values()):
        return Found(reading)
    return Found(replace(reading, packing=replace(packing, turned=False)), (reading,))  # type: ignore[type-var]  # a vector


def _packed(given: Arrays, target: Target) -> list[Reading]:
    """Readings in which several parameters share an array."""
    unknown, missing = unknown_names(given, target), missing_names(given, target)
    if not unknown:
        kernels, biases = ([block[i] for block in target.blocks] for i in (0, 1))
        by_name = {variable_of(n): n for n in given}
        shared = set(biases) <= set(missing) and set(kernels) <= by_name.keys()
        return [Reading(packing=p) for p in in_thetas([by_name[n] for n in kernels], target.blocks)] if shared else []
    if len(missing) < len(target.gradients):
        return []
    vectors: list[InVector] = in_vectors(unknown[0], target) if len(unknown) == 1 else []
    names = _one_each(unknown)
    thetas = [p for way in (names, names[::-1])[: len(names)] for p in in_thetas(way, target.blocks)]
    return [*(Reading(packing=v) for v in vectors), *(Reading(packing=t) for t in thetas)]


def _one_each(unknown: Sequence[str]) -> list[str]:
    """The arrays of a list, or of names by their numbers, in order."""
    layers = layers_in_words(unknown)
    if layers and all(len(layer) == 1 for layer in layers[0]):
        return [layer[0] for layer in layers[0]]
    return in_places(unknown) or list(unknown)


def in_vectors(name: str, target: Target) -> list[InVector]:
    """θ in every order."""
    found = []
    for words, order in orders(target):
        pieces = tuple((n,) for n in order)
        found += [InVector(name, pieces, words, turned) for turned in (False, True)]
    for words, blocks in (("layer by layer", target.blocks), ("from the output down", target.blocks[::-1])):
        found += [InVector(name, blocks, words, theta=theta) for theta in THETAS if blocks]
    return found
