"""Names as a book writes them, with their layer as a superscript: `dense_2/dE_dkernel` is dE/dW⁽²⁾."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gradient_diff.names import lowered, raised
from manual_mlp import MLP, Equation
from manual_mlp.extend import layer_of, symbol

PRIMES = (
    "Use pairwise different primes for batch and widths while you look for a mistake, e.g. batch 7, inputs 5, units 3."
)

_SQUARE = re.compile(r"(\w+⁽[⁰¹²³⁴⁵⁶⁷⁸⁹]+⁾)²")


def positions(mlp: MLP) -> dict[str, int]:
    """Layer name → 1, 2, … from the input to the output."""
    return {str(layer.name): i for i, layer in enumerate(mlp.layers, 1)}


def indexed(name: str, places: Mapping[str, int]) -> str:
    """A name in the letters of the alphabet, with the number of its layer."""
    owner = layer_of(name)
    letter = symbol(name, owner)
    return f"{letter}⁽{raised(places[owner])}⁾" if owner in places else letter


def indexed_width(layer: int) -> str:
    """`n₁`."""
    return f"n{lowered(layer)}"


def symbolic(equation: Equation, places: Mapping[str, int]) -> str:
    """The equation with layer-indexed symbols; a squared one takes brackets, lest its layer read as the power."""
    right = equation.operation.render(*[indexed(o, places) for o in equation.operands])
    return _SQUARE.sub(r"(\1)²", f"{indexed(equation.node, places)} = {right}")
