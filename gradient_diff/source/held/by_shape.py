"""Which places may be which parameters where no value says so: one list in the order of the layers, by shape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from gradient_diff.layouts.forms import BIASES, KERNELS, Form
from gradient_diff.layouts.packing import THETAS, Theta
from gradient_diff.source.held.places import Place, is_part, numbers_in, pattern_of
from gradient_diff.source.held.ways import Binding, Way, Ways
from manual_mlp.extend import Arrays

MOST_WAYS = 64

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, eq=False)
class Assignment:
    """Parameter → where it is: its path, and the way in which it stands there."""

    parts: Mapping[str, tuple[str, Way]]

    @property
    def paths(self) -> tuple[str, ...]:
        """All that is used, each once."""
        return tuple(dict.fromkeys(path for path, _ in self.parts.values()))


def fitting(places: Iterable[Place], ways: Ways, wanted: Sequence[str]) -> list[Place]:
    """The places whose shape some parameter may have; of one memory the first, of a whole and its parts one of both."""
    kept: list[Place] = []
    for place in places:
        value = place.value
        if value.dtype.kind in "iu" or value.size not in ways.sizes:  # whole numbers are widths and counts
            continue
        fits = any(not w.index.keys().isdisjoint(wanted) for w in ways.of(value.shape))
        if fits and not any(np.may_share_memory(p.value, value) and p.value.size == value.size for p in kept):
            kept.append(place)
    whole = [p for p in kept if not any(is_part(p.path, other.path) for other in kept)]
    return [p for p in whole if not _is_cut_up(p, whole)]


def _is_cut_up(place: Place, places: Sequence[Place]) -> bool:
    """Whether other places are views that make up all of it: these say more than the vector that they are cut from."""
    value = place.value
    views = [p.value.size for p in places if p is not place and np.may_share_memory(p.value, value)]
    return bool(views) and max(views) < value.size == sum(views)


def assignments(arrays: Arrays, ways: Ways, wanted: Sequence[str]) -> list[Assignment]:
    """All sets of arrays that may hold the wanted parameters, the likeliest first."""
    target = ways.target
    kernels = [n for n in wanted if target.is_matrix(n)]
    biases = [n for n in wanted if not target.is_matrix(n)]
    found = [] if set(wanted) != set(target.gradients) else [*_vectors(arrays, ways), *_in_thetas(arrays, ways)]
    of_kernels = _lists(arrays, ways, kernels, KERNELS)
    of_biases = _lists(arrays, ways, biases, BIASES)
    pairs = [(k, b) for k, b in product(of_kernels, of_biases) if not set(k.paths) & set(b.paths)]
    pairs.sort(key=lambda both: _apart(*both))
    return _distinct([*(Assignment({**k.parts, **b.parts}) for k, b in pairs[:MOST_WAYS]), *found])


def _distinct(found: Iterable[Assignment]) -> list[Assignment]:
    seen: dict[object, Assignment] = {}
    for one in found:
        key = tuple(sorted((n, path, way.index[n].tobytes()) for n, (path, way) in one.parts.items()))
        seen.setdefault(key, one)
    return list(seen.values())


def _apart(kernels: Assignment, biases: Assignment) -> int:
    """0 where both stand in one list or in one object each, 1 elsewhere."""
    holders = [{path.rpartition(".")[0] for path in one.paths} for one in (kernels, biases)]
    return int(bool(holders[0] and holders[1]) and holders[0] != holders[1])


def _lists(arrays: Arrays, ways: Ways, wanted: Sequence[str], forms: Sequence[Form]) -> list[Assignment]:
    """Lists of arrays for parameters of one kind; none is wanted: the empty one."""
    if not wanted:
        return [Assignment({})]
    shapes = {n: ways.target.gradients[n].shape for n in wanted}
    for groups in (_families(arrays), _holders(arrays), [list(arrays)]):
        found = [
            one
            for g in groups
            for f in forms
            for o in _both(wanted)
            for one in _in_order(g, arrays, ways, o, shapes, f)
        ]
        if found := _distinct(found):
            return found
    return []


def _both(wanted: Sequence[str]) -> list[list[str]]:
    """In the order of the layers, and from the output down."""
    return [list(wanted), list(wanted)[::-1]][: len(wanted)]


def _families(arrays: Arrays) -> list[list[str]]:
    """Paths that differ in their numbers alone, in the order of these."""
    found: dict[str, list[str]] = {}
    for path in arrays:
        found.setdefault(pattern_of(path), []).append(path)
    return [sorted(paths, key=numbers_in) for paths in found.values()]


def _holders(arrays: Arrays) -> list[list[str]]:
    """Attributes of one object, in the order in which they were made."""
    found: dict[str, list[str]] = {}
    for path in arrays:
        found.setdefault(path.rpartition(".")[0] or path.partition("[")[0], []).append(path)
    return list(found.values())


def _in_order(
    paths: Sequence[str], arrays: Arrays, ways: Ways, wanted: Sequence[str], shapes: Shapes, form: Form
) -> Iterator[Assignment]:
    """All ways to walk along the paths and find one of each shape in turn, as long as they are few."""
    comes = [form.comes(shapes[n]) for n in wanted]
    fits = [[i for i, p in enumerate(paths) if arrays[p].shape == shape] for shape in comes]
    for chosen in _rising(fits, -1):
        parts = {
            n: (paths[i], _way(ways, arrays[paths[i]].shape, n, form)) for n, i in zip(wanted, chosen, strict=True)
        }
        yield Assignment(parts)


def _rising(fits: Sequence[Sequence[int]], after: int, most: int = MOST_WAYS) -> Iterator[tuple[int, ...]]:
    """Rising tuples, an entry of each."""
    if not fits:
        yield ()
        return
    count = 0
    for i in (i for i in fits[0] if i > after):
        for rest in _rising(fits[1:], i, most):
            yield (i, *rest)
            count += 1
            if count >= most:
                return


def _way(ways: Ways, shape: tuple[int, ...], name: str, form: Form) -> Way:
    """The way of one parameter in one form; where two forms are the same, by the name of the first."""
    wanted = form.undo(np.arange(int(np.prod(shape))).reshape(shape), ways.target.gradients[name].shape)
    return next(w for w in ways.single(shape) if name in w.index and np.array_equal(w.index[name], wanted))


def _vectors(arrays: Arrays, ways: Ways) -> Iterator[Assignment]:
    """All of θ in one array."""
    for path, array in arrays.items():
        for way in ways.of(array.shape):
            if len(way.index) == len(ways.target.gradients) > 1:
                yield Assignment(dict.fromkeys(way.index, (path, way)))


def _in_thetas(arrays: Arrays, ways: Ways) -> Iterator[Assignment]:
    """A list of kernels that have their biases in them."""
    blocks = ways.target.blocks
    if not blocks:
        return
    for theta in THETAS:
        for paths in (*_families(arrays), *_holders(arrays)):
            for order in (list(blocks), list(blocks)[::-1])[: len(blocks)]:
                yield from _thetas_in(paths, arrays, ways, order, theta)


def _thetas_in(
    paths: Sequence[str], arrays: Arrays, ways: Ways, blocks: Sequence[tuple[str, str]], theta: Theta
) -> Iterator[Assignment]:
    comes = [theta.comes(ways.target.gradients[kernel].shape) for kernel, _ in blocks]
    fits = [[i for i, p in enumerate(paths) if arrays[p].shape == shape] for shape in comes]
    for chosen in _rising(fits, -1):
        parts: dict[str, tuple[str, Way]] = {}
        for both, i in zip(blocks, chosen, strict=True):
            way = next(
                w for w in ways.of(comes[blocks.index(both)]) if w.words == theta.words and set(w.index) == set(both)
            )
            parts |= dict.fromkeys(both, (paths[i], way))
        yield Assignment(parts)


def bound(one: Assignment, places: Mapping[str, Place]) -> dict[str, Binding]:
    """With the places themselves."""
    return {n: Binding(places[path], way) for n, (path, way) in one.parts.items()}
