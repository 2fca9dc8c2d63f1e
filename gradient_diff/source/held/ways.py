"""Ways: in which layouts an array of a shape may hold parameters, as places of entries, to read and to write."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from gradient_diff.layouts.finding import in_vectors
from gradient_diff.layouts.packing import THETAS
from gradient_diff.layouts.target import Target
from gradient_diff.source.held.places import Place
from manual_mlp import Array
from manual_mlp.extend import Arrays

Shape = tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Way:
    """One layout.

    Attributes:
        words: how it is said; empty where the array is as the reference holds it.
        index: parameter → where its entries stand in the flattened array, in the parameter's shape.
    """

    words: str
    index: Mapping[str, Array]

    def read(self, array: Array) -> dict[str, Array]:
        """Parameter → its values."""
        flat = np.asarray(array).ravel()
        return {name: flat[where] for name, where in self.index.items()}

    def written(self, array: Array, parameters: Arrays) -> Array:
        """The array with other values of the parameters that stand in it."""
        new = np.array(array, dtype=np.result_type(array, *(parameters[n] for n in self.index)))
        flat = new.ravel()
        for name, where in self.index.items():
            flat[where] = parameters[name]
        return flat.reshape(new.shape)


@dataclass(frozen=True, eq=False)
class Binding:
    """A place, and what stands in it."""

    place: Place
    way: Way

    @property
    def path(self) -> str:
        """How the user writes it."""
        return self.place.path

    def said(self) -> Iterator[str]:
        """What it holds, one sentence without a full stop."""
        how = f", {self.way.words}" if self.way.words else ""
        yield f"`{self.path}` is {' and '.join(self.way.index)}{how}"


@dataclass(frozen=True, eq=False)
class Ways:
    """The ways for arrays of each shape, of one reference."""

    target: Target

    @cached_property
    def _known(self) -> dict[Shape, tuple[Way, ...]]:
        return {}

    def of(self, shape: Shape) -> tuple[Way, ...]:
        """All of them, those of a single parameter first."""
        if shape not in self._known:
            self._known[shape] = tuple(_distinct(self._found(shape)))
        return self._known[shape]

    def single(self, shape: Shape) -> tuple[Way, ...]:
        """Those of one parameter."""
        return tuple(w for w in self.of(shape) if len(w.index) == 1)

    @cached_property
    def sizes(self) -> frozenset[int]:
        """Of arrays that may hold anything; others need no look."""
        shapes = {n: a.shape for n, a in self.target.gradients.items()}
        blocks = {prod(shapes[k]) + prod(shapes[b]) for k, b in self.target.blocks}
        return frozenset({*map(prod, shapes.values()), *blocks, sum(map(prod, shapes.values()))})

    def _found(self, shape: Shape) -> Iterator[Way]:
        if prod(shape) not in self.sizes:
            return
        where = np.arange(prod(shape)).reshape(shape)
        for name, array in self.target.gradients.items():
            forms = [f for f in self.target.forms(name) if f.fits(where, array.shape)]
            for i, form in enumerate(forms):
                words = "" if i == 0 and array.shape == shape else form.words
                yield Way(words, {name: form.undo(where, array.shape)})
        yield from self._packed(shape, where)

    def _packed(self, shape: Shape, where: Array) -> Iterator[Way]:
        shapes = {n: a.shape for n, a in self.target.gradients.items()}
        for kernel, bias in self.target.blocks:
            for theta in THETAS:
                if theta.comes(shapes[kernel]) == shape:
                    yield Way(theta.words, dict(zip((kernel, bias), theta.undo(where), strict=True)))
        if len(shapes) > 1:
            for vector in in_vectors("", self.target):
                if vector.fits({"": where}, shapes):
                    yield Way(str(vector), vector.unpacked({"": where}, shapes))


def _distinct(ways: Iterator[Way]) -> Iterator[Way]:
    seen = set()
    for way in ways:
        key = tuple((n, where.tobytes()) for n, where in way.index.items())
        if key not in seen:
            seen.add(key)
            yield way
