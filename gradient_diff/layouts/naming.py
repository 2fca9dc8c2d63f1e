"""Which array is which, where names are not the reference's: by their words and numbers, or by the order of a list."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations

from gradient_diff.layouts.orders import orders
from gradient_diff.layouts.target import Target
from gradient_diff.layouts.words import Word, in_places, plain_spelling, read_word
from manual_mlp.extend import LOSS, Arrays, kind_of, variable_of

_MOST_LAYERS = 5  # of names without numbers all orders of so many layers are tried


@dataclass(frozen=True)
class Pairing:
    """Given name → the reference's name; `order` says of a list in which order it was read."""

    names: Mapping[str, str] = field(default_factory=dict)
    order: str = ""


@dataclass(frozen=True)
class Pairings:
    """The ways to pair, the likeliest first.

    Attributes:
        ways: given names under the reference's.
        stated: whether names and numbers say it, so that values do not choose.
        certain: whether the names are the reference's own, so that shapes do not, either.
    """

    ways: tuple[Pairing, ...] = ()
    stated: bool = False
    certain: bool = False


def unknown_names(given: Arrays, target: Target) -> list[str]:
    """The given names that the reference does not know."""
    return [n for n in given if n != LOSS and target.array(n) is None]


def missing_names(given: Arrays, target: Target) -> list[str]:
    """The parameters that nothing was given for."""
    present = {variable_of(n) for n in given}
    return [n for n in target.gradients if n not in present]


def pairings(given: Arrays, target: Target) -> Pairings:
    """How unknown names may be the missing ones; no way where nothing tells."""
    unknown, missing = unknown_names(given, target), missing_names(given, target)
    if not unknown:
        return Pairings((Pairing(),), True, True)
    if counted := _counted_otherwise([n for n in given if n != LOSS], target):
        return Pairings((Pairing(counted),), True, True)
    if spelt := _spelt(unknown, [*missing, *target.nodes]):
        return Pairings((Pairing(spelt),), True, True)
    if len(missing) < len(target.gradients):
        return Pairings()
    if places := in_places(unknown):
        return Pairings(tuple(in_orders(places, target)))
    if layers := layers_in_words([n for n in unknown if read_word(n)]):  # dA beside dW is of no parameter
        return _by_words(*layers, target)
    return Pairings(tuple(in_orders(unknown, target)))


_COUNTED = re.compile(r"(.*?)(?:_(\d+))?/([^/:]+)(?::0)?")


def _counted_otherwise(names: Sequence[str], target: Target) -> dict[str, str]:
    """Keras's own names, `dense` and `dense_1`, where the reference counts from another number: paired as a whole.

    A name that is there, too, is not taken for the same layer before the others.
    """
    found = {n: m for n in names if (m := _COUNTED.fullmatch(n))}
    numbers = sorted({int(m[2] or 0) for m in found.values()})
    if len(found) < len(names) or len({m[1] for m in found.values()}) != 1 or len(numbers) != len(target.layers):
        return {}
    layers = dict(zip(numbers, target.layers, strict=True))
    wanted = {n: [w for w in layers[int(m[2] or 0)] if kind_of(w) == m[3]] for n, m in found.items()}
    pairs = {n: w[0] for n, w in wanted.items() if len(w) == 1}
    return pairs if len(pairs) == len(names) == len(set(pairs.values())) else {}


def _spelt(unknown: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    found = {n: k for n in unknown if (k := plain_spelling(n, known))}
    return found if len(set(found.values())) == len(found) else {}


def in_orders(names: Sequence[str], target: Target) -> Iterator[Pairing]:
    """A list in each order that has as many arrays."""
    for words, order in orders(target):
        if len(order) == len(names):
            yield Pairing(dict(zip(names, order, strict=True)), words)


def layers_in_words(names: Sequence[str]) -> tuple[list[list[str]], bool] | None:
    """The names of each layer, kernels first, in order; and whether numbers alone order them. None without words."""
    words = {n: w for n in names if (w := read_word(n))}
    if len(words) < len(names) or not words:
        return None
    texts = list(dict.fromkeys(w.layer for w in words.values()))
    keys = sorted({(texts.index(w.layer), w.numbers) for w in words.values()})
    layers = [[n for n, w in words.items() if (texts.index(w.layer), w.numbers) == key] for key in keys]
    return [sorted(layer, key=lambda n: words[n].bias) for layer in layers], len(texts) == 1


def _by_words(layers: Sequence[Sequence[str]], numbered: bool, target: Target) -> Pairings:
    """Layer by layer; backwards, and without numbers in any order, only where shapes ask for it."""
    if len(layers) != len(target.layers):
        return Pairings()
    ways = [layers, layers[::-1]]
    if not numbered and len(layers) <= _MOST_LAYERS:
        ways += [list(way) for way in permutations(layers)]
    found = [_layer_by_layer(way, target) for way in ways]
    return Pairings(tuple(Pairing(names) for names in found if names), numbered)


def _layer_by_layer(layers: Sequence[Sequence[str]], target: Target) -> dict[str, str] | None:
    """Kernels to kernels and biases to biases; None where their numbers do not agree."""
    found: dict[str, str] = {}
    for given, wanted in zip(layers, target.layers, strict=True):
        biases = [n for n in given if _word(n).bias]
        kernels = [n for n in given if n not in biases]
        vectors = [n for n in wanted if not target.is_matrix(n)]
        matrices = [n for n in wanted if target.is_matrix(n)] or vectors[:1]  # γ of a normalisation is its weight
        vectors = [n for n in vectors if n not in matrices]
        if len(kernels) != len(matrices) or len(biases) not in (0, len(vectors)):
            return None
        found |= zip((*kernels, *biases), (*matrices, *vectors), strict=False)
    return found


def _word(name: str) -> Word:
    word = read_word(name)
    assert word is not None  # names without words do not come here
    return word
