"""What was handed over, under the model's names and in its layout: in order, by name, or as shapes and values tell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from gradient_diff.keras.gradients.arguments import dense
from gradient_diff.layouts.listed import by_place
from gradient_diff.layouts.reading import Reading
from gradient_diff.layouts.target import Target
from gradient_diff.layouts.undoing import Undone, undo_layout
from gradient_diff.sides import checked_array, with_loss
from manual_mlp import Array
from manual_mlp.extend import Arrays

WHOSE = "your arrays"


def by_values(found: Arrays, target: Target, nodes: Sequence[str] = ()) -> Undone:
    """Of a list that was named in the ordinary order: another order or form, where shapes or values ask for it."""
    names = [n for n in found if n not in nodes]
    beside = {n: a for n, a in found.items() if n in nodes}
    placed = {str(i): found[n] for i, n in enumerate(names)}
    wanted = Target({n: target.gradients[n] for n in names if n in target.gradients}, target.nodes)
    undone = undo_layout(WHOSE, {**placed, **beside}, wanted, None)
    ordinary = list(undone.reading.names.values()) == names and not undone.reading.form_words
    if ordinary or not undone.reading.changes:
        return Undone(found, notes=undone.doubts, listed=True)
    return undone


@dataclass(frozen=True, eq=False)
class Door:
    """How what was given is read: `title` is the argument's name, for messages.

    Attributes:
        named: what reads it under the model's names, or refuses it with a sentence.
        shapes: of the model's weights.
        known: what the arrays are held against, by name.
        costly: whether that takes a pass of the model: then it is asked for only where shapes do not fit.
        renamed: name in a dict → the model's.
        nodes: what else may stand in a dict.
        layout: None, or "as given".
    """

    title: str
    named: Callable[[object], dict[str, Array]]
    shapes: Mapping[str, tuple[int, ...]]
    known: Callable[[], Arrays]
    costly: bool = False
    renamed: Mapping[str, str] = field(default_factory=dict)
    nodes: tuple[str, ...] = ()
    layout: str | None = None

    def read(self, given: object) -> Undone:
        """As it was given, where names and shapes fit; else the layout that fits is undone."""
        if self.layout is not None:
            return Undone(self.named(given))
        try:
            found = self.named(given)
        except (ValueError, TypeError) as error:
            return self._of_other_names(given, error)
        listed = not isinstance(given, Mapping)
        if self.costly and all(a.shape == self.shapes.get(n, a.shape) for n, a in found.items()):
            return Undone(found, listed=listed)
        return by_values(found, Target(self.known()), self.nodes) if listed else self._undone(found)

    def again(self, given: object, reading: Reading) -> dict[str, Array]:
        """A layout that was found before, undone of arrays of other shapes."""
        paired = reading.names or reading.packing
        return reading.undo(self._arrays(given) if paired else self.named(given), self.shapes)

    def _undone(self, arrays: Arrays) -> Undone:
        own = {n: a for n, a in arrays.items() if n not in self.nodes}
        undone = undo_layout(WHOSE, own, Target(self.known()), None)
        return replace(undone, arrays={**undone.arrays, **{n: arrays[n] for n in arrays if n in self.nodes}})

    def _of_other_names(self, given: object, error: Exception) -> Undone:
        """Names or a number of arrays that the model has not: the refusal stands, unless one layout fits."""
        arrays = self._arrays(given)
        if not arrays:
            raise error
        undone = self._undone(arrays)
        if not undone.reading.changes or not undone.arrays.keys() <= {*self.shapes, *self.nodes}:
            raise type(error)(" ".join((str(error), *undone.notes))) from None
        return undone

    def _arrays(self, given: object) -> dict[str, Array]:
        """By the caller's names, or by place in a list; nothing where it holds something else."""
        if isinstance(given, list | tuple) and any(item is None for item in given):
            return {}  # the tape's own list: None stands for a weight, which the refusal names
        given = with_loss(given)
        arrays = given if isinstance(given, Mapping) else by_place(given)
        if not arrays or any(a is None for a in arrays.values()) or not all(isinstance(n, str) for n in arrays):
            return {}
        names = {n: self.renamed.get(n, n) for n in arrays}
        return {names[n]: checked_array(self.title, n, dense(self.title, n, a)) for n, a in arrays.items()}
