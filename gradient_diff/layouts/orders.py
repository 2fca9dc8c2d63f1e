"""The orders in which people list the parameters of a network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gradient_diff.layouts.target import Target


def orders(target: Target) -> Iterator[tuple[str, tuple[str, ...]]]:
    """(in words, names in that order), the most ordinary first."""
    ways = {"": target.layers, ", from the output down": target.layers[::-1]}
    for words, layers in list(ways.items())[: len(target.layers)]:
        yield f"W1 b1 W2 b2{words}", tuple(n for layer in layers for n in layer)
        matrices, vectors = _parts(layers, target, True), _parts(layers, target, False)
        yield f"W1 W2 b1 b2{words}", (*matrices, *vectors)
        swapped = [_parts([z], target, False) + _parts([z], target, True) for z in layers]
        yield f"b1 W1 b2 W2{words}", tuple(n for layer in swapped for n in layer)
        yield f"b1 b2 W1 W2{words}", (*vectors, *matrices)
        yield f"W1 W2, kernels alone{words}", tuple(matrices)


def _parts(layers: Sequence[Sequence[str]], target: Target, matrices: bool) -> list[str]:
    return [n for layer in layers for n in layer if target.is_matrix(n) is matrices]
