"""What was found in somebody's objects, as one table in the diff's remark."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from gradient_diff.layouts.evidence import FLAT, far
from gradient_diff.source.held.held import Held
from gradient_diff.source.held.places import differs
from manual_mlp import Array
from manual_mlp.extend import is_gradient, layer_of

MOST_NODES = 12


def told(held: Held, nodes: Mapping[str, Array], whose: str) -> Iterator[str]:
    """Sentences for the diff's notes: what holds what, whose weights count, the rate, and what is not put back."""
    if held.own:
        every = "" if len(held.own) == len(held.parameters) else f" ({', '.join(held.own)})"
        yield f"Your net was initialised by itself; the comparison uses its weights{every}, and not {whose}."
    yield f"Found: {'; '.join(_table(held, nodes))}."
    yield from (f"{words[0].upper()}{words[1:]}." for words in _remarks(held))


def _table(held: Held, nodes: Mapping[str, Array]) -> Iterator[str]:
    bindings = {b.path: b for b in held.weights.bindings.values()}
    for binding in bindings.values():
        yield from binding.said()
    yield from held.found.recipe.said()
    yield from _of_nodes(held, nodes, set(bindings))
    if held.found.rate is not None and held.found.source:
        yield f"the learning rate is {held.found.rate:.6g}, {held.found.source}"
    if held.stepper.columns:
        yield "samples are columns"


def _of_nodes(held: Held, nodes: Mapping[str, Array], weights: set[str]) -> Iterator[str]:
    """What else was left behind: outputs and δ of layers."""
    left = {p: a for p, a in held.ran.left.items() if p not in weights and a.ndim == 2 and _is_new(held, p, a)}
    wanted = {n: nodes[n] for n in sorted(nodes, key=_plainly) if np.ndim(nodes[n]) == 2 and not _of_weights(n)}
    found = ((path, _node(array, wanted)) for path, array in left.items())
    named = [f"`{path}` is {said}" for path, said in found if said]
    yield from named[:MOST_NODES]


def _is_new(held: Held, path: str, array: Array) -> bool:
    before = held.ran.before.get(path)
    return before is None or differs(before, array)


def _node(array: Array, nodes: Mapping[str, Array]) -> str:
    for node, right in nodes.items():
        for turned, words in ((array, ""), (array.T, ", samples in columns")):
            if turned.shape == right.shape and (apart := far(turned, right)) is not None and apart[1] <= FLAT:
                return f"{spoken(node)}{words}"
    return ""


_SPOKEN = {"u": "u", "z": "the output", "dE_du": "δ"}


def spoken(node: str) -> str:
    """`dense_4/dE_du` as people say it: δ of dense_4."""
    kind = node.rpartition("/")[2]
    return f"{_SPOKEN[kind]} of {layer_of(node)}" if kind in _SPOKEN else node


def _plainly(node: str) -> bool:
    """Of equal nodes, dE/dz and δ of a linear layer, the one that has a word comes first."""
    return node.rpartition("/")[2] not in _SPOKEN


def _of_weights(node: str) -> bool:
    return is_gradient(node, "kernel", "bias")


def _remarks(held: Held) -> Iterator[str]:
    yield from held.weights.remarks
    yield from held.found.remarks
    if held.ran.unseen:
        yield f"not looked into, and not put back: {', '.join(held.ran.unseen)}"
