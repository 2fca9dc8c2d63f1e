"""What arrays are held against: gradients by parameter in their order, layer by layer, and other nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gradient_diff.layouts.forms import AS_GIVEN, BIASES, KERNELS, SAMPLES, Form
from manual_mlp import Array
from manual_mlp.extend import Arrays, kind_of, layer_of, variable_of

_AS_THEY_ARE = ("embeddings",)  # a table of rows, which every library holds as (words, n)


@dataclass(frozen=True, eq=False)
class Target:
    """The reference, as far as a layout is read by it.

    Attributes:
        gradients: parameter → array, in the order of the network.
        nodes: what else is known, by node.
    """

    gradients: Arrays
    nodes: Arrays = field(default_factory=dict)

    def array(self, name: str) -> Array | None:
        """What the reference has under the name of a parameter, of its gradient, or of another node."""
        return self.gradients.get(variable_of(name), self.nodes.get(name))

    def forms(self, name: str) -> tuple[Form, ...]:
        """In which forms the array of a name may come."""
        array, parameter = self.array(name), variable_of(name) in self.gradients
        if array is None or kind_of(name) in _AS_THEY_ARE:
            return (AS_GIVEN,)
        if not parameter:
            return SAMPLES if array.ndim == 2 else (AS_GIVEN,)
        return KERNELS if array.ndim > 1 else BIASES if array.ndim == 1 else (AS_GIVEN,)

    @cached_property
    def layers(self) -> tuple[tuple[str, ...], ...]:
        """The parameters of each layer; where names tell of none, a matrix and the vectors that follow it."""
        if all(layer_of(n) for n in self.gradients):
            return tuple(_grouped({n: layer_of(n) for n in self.gradients}))
        count, found = 0, {}
        for name, array in self.gradients.items():
            count += array.ndim > 1
            found[name] = str(count)
        return tuple(_grouped(found))

    @property
    def blocks(self) -> tuple[tuple[str, str], ...]:
        """Kernel and bias of each layer, if every layer has just a matrix and a vector; else nothing."""
        pairs = [(z[0], z[-1]) for z in self.layers if [self.gradients[n].ndim for n in z] == [2, 1]]
        return tuple(pairs) if len(pairs) == len(self.layers) else ()

    def is_matrix(self, name: str) -> bool:
        """Whether a parameter is a kernel, and no bias."""
        return self.gradients[name].ndim > 1


def _grouped(keys: Mapping[str, str]) -> list[tuple[str, ...]]:
    """Names with one key together, in the order of the first of each."""
    return [tuple(n for n in keys if keys[n] == key) for key in dict.fromkeys(keys.values())]
