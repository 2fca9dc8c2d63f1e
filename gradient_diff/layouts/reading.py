"""A reading: what is to be undone of arrays as they came, as a value that can be used again on a smaller network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gradient_diff.layouts.forms import AS_GIVEN, Form, Numbers
from gradient_diff.layouts.packing import InThetas, InVector
from gradient_diff.layouts.target import Target
from manual_mlp import Array
from manual_mlp.extend import Arrays, variable_of

MOST_NAMED = 4


@dataclass(frozen=True)
class Reading:
    """Names, packing and forms of one layout.

    Attributes:
        names: given name → the reference's, where they differ.
        order: of a list, in words.
        packing: where several parameters share an array.
        forms: the reference's name → the form in which its array came.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    order: str = ""
    packing: InThetas | InVector | None = None
    forms: Mapping[str, Form] = field(default_factory=dict)

    def undo(self, given: Arrays, shapes: Mapping[str, Numbers]) -> dict[str, Array]:
        """The arrays under the reference's names, and as it holds them; what has another shape stays as it is."""
        unpacked = self.packing.unpacked(given, shapes) if self.packing else given
        found = {self.names.get(n, n): a for n, a in unpacked.items()}
        return {n: self._as_wanted(n, a, shapes) for n, a in found.items()}

    def then(self, later: Reading) -> Reading:
        """Both in one: what a later look found of arrays that were named before."""
        return replace(later, names=later.names or self.names, forms={**self.forms, **later.forms})

    def _as_wanted(self, name: str, array: Array, shapes: Mapping[str, Numbers]) -> Array:
        shape = shapes.get(variable_of(name), shapes.get(name))
        form = self.forms.get(name, AS_GIVEN)
        return form.undo(array, shape) if shape is not None and form.fits(array, shape) else array

    @property
    def changes(self) -> bool:
        """Whether it is more than as given."""
        return bool(self.names or self.packing or any(f is not AS_GIVEN for f in self.forms.values()))

    @property
    def words(self) -> str:
        """The layout in one phrase; empty where it is as given."""
        names = f"a list in the order {self.order}" if self.order else self._renamed()
        return "; ".join(filter(None, (names, str(self.packing or ""), *self.form_words)))

    @property
    def form_words(self) -> tuple[str, ...]:
        """The forms in which arrays came, each once."""
        return tuple(dict.fromkeys(f.words for f in self.forms.values() if f is not AS_GIVEN))

    def _renamed(self) -> str:
        pairs = [f"{a} → {b}" for a, b in self.names.items()]
        return ", ".join([*pairs[:MOST_NAMED], *["…"] * (len(pairs) > MOST_NAMED)])


def shapes_of(target: Target) -> dict[str, Numbers]:
    """Name → shape of all that the reference knows."""
    return {n: a.shape for n, a in (*target.nodes.items(), *target.gradients.items())}
