"""Numbers that a loop computes one by one, as the arrays that they are the entries of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import groupby

import numpy as np

from gradient_diff.source.events import Event
from gradient_diff.source.forms import Form, entries_of
from gradient_diff.source.known import Known
from gradient_diff.source.observed import Observed, Rows, key_of
from gradient_diff.source.piece import Piece
from manual_mlp import gradient_node
from manual_mlp.extend import is_gradient

Meant = tuple[tuple[Event, ...], tuple[Form, ...]]
"""Operations, and what each of them might have to be."""
Block = tuple[Form, ...]
"""The entries of an array, or of one sample of it, in the order of a loop."""


def assembled(seen: Observed, events: tuple[Event, ...]) -> Iterator[Meant]:
    """All of them at once, each the entry whose turn it is, where there are just as many."""
    ends = last_of_each(events)
    for block in _arrays(seen.trial.known, _samples(seen, ends)):
        if len(block) == len(ends):
            yield ends, block
        elif block and not len(ends) % len(block) and _is_running(ends, len(block)):
            yield ends[-len(block) :], block


def over_again(seen: Observed, events: tuple[Event, ...]) -> Iterator[Meant]:
    """Each entry several times; the array several times, of which the last and the first are meant."""
    ends = last_of_each(events)
    for block in _arrays(seen.trial.known, _samples(seen, ends)):
        for some in (ends, events) if len(ends) != len(events) else (events,):
            times, rest = divmod(len(some), len(block) or len(some) + 1)
            if not rest and times > 1:
                yield some[times - 1 :: times], block
                yield some, tuple(form for form in block for _ in range(times))
                yield some[-len(block) :], block
                yield some[: len(block)], block


def handed_out(seen: Observed, events: tuple[Event, ...]) -> Iterator[Meant]:
    """Those that stand in a wrong gradient as they are, each in its place there, in any order of a loop."""
    places: dict[bytes, list[Form]] = {}
    for name in sorted(seen.trial.right.keys() - seen.healthy):
        given, piece = seen.given.get(name), seen.trial.known.by_node[gradient_node(name)]
        if given is not None and np.shape(given) == piece.array.shape:
            for form in entries_of(piece, seen.trial.known.batch):
                places.setdefault(np.asarray(given[form.at], float).tobytes(), []).append(form)
    made: dict[bytes, list[Event]] = {}
    for event in events:
        if event.value.any() and event.value.tobytes() in places:
            made.setdefault(event.value.tobytes(), []).append(event)
    each = ((some, places[key]) for key, some in made.items())  # made again and again, the last are meant
    pairs = [
        pair for some, forms in each if len(some) >= len(forms) for pair in zip(some[-len(forms) :], forms, strict=True)
    ]
    if pairs:
        yield tuple(e for e, _ in pairs), tuple(f for _, f in pairs)


def last_of_each(events: Sequence[Event]) -> tuple[Event, ...]:
    """Of a sum that is added up number by number, its last value: the next one does not go on with it."""
    following = zip(events, [*events[1:], None], strict=True)
    return tuple(e for e, after in following if after is None or not _goes_on(e, after))


def _goes_on(event: Event, after: Event) -> bool:
    if not event.value.any() and event.operation != "add":
        return False  # 0 is what many products are
    return len(after.operands) > 1 and key_of(event.value) in map(key_of, after.operands)


def _is_running(ends: tuple[Event, ...], size: int) -> bool:
    """Whether each round over the array goes on with the one before."""
    pairs = [(a, b) for a, b in zip(ends, ends[size:], strict=False) if a.value.any()]
    return bool(pairs) and all(_goes_on(a, b) for a, b in pairs)


def _samples(seen: Observed, ends: Sequence[Event]) -> tuple[int, ...]:
    """In the order in which they are at work, where that is one by one, each as often."""
    counts = Counter(seen.rows[e.index][1] for e in ends)
    single = [r[0] for r in counts if r is not None and len(r) == 1]
    evenly = len(single) == len(counts) > 1 and len(set(counts.values())) == 1
    return tuple(single) if evenly else tuple(range(seen.trial.known.batch))


def _arrays(known: Known, samples: tuple[int, ...]) -> Iterator[Block]:
    """What is known, row by row and column by column; what is alike in all layers, one layer after the other."""
    pieces = [p for p in known.pieces if p.array.ndim]
    for piece in pieces:
        yield from _orders(piece, samples)
    of_role = sorted((p for p in pieces if "/" in p.node), key=_role)
    for _, alike in groupby(of_role, key=_role):
        layers = list(alike)
        for turn in (layers, layers[::-1]) if len(layers) > 1 else ():
            yield tuple(f for p in turn for f in _entries(p, samples))
            if turn[0].per_sample:
                yield tuple(f for n in samples for p in turn for f in _entries(p, (n,)))
    yield from (_of_each_sample(known, p, samples) for p in pieces if is_gradient(p.node, "kernel", "bias"))


def _role(piece: Piece) -> str:
    return piece.node.partition("/")[2]


def _orders(piece: Piece, samples: tuple[int, ...]) -> Iterator[Block]:
    entries = _entries(piece, samples)
    yield entries
    if piece.array.ndim == 2 and min(piece.array.shape) > 1:
        width = piece.array.shape[1]
        yield tuple(entries[i] for j in range(width) for i in range(j, len(entries), width))


def _entries(piece: Piece, samples: tuple[int, ...]) -> Block:
    allowed = np.broadcast_to(piece.tolerance, piece.array.shape)
    at: list[tuple[tuple[int, ...], Rows, tuple[int, ...]]] = [(i, None, i) for i in np.ndindex(piece.array.shape)]
    if piece.per_sample:
        rest = list(np.ndindex(piece.array.shape[1:]))
        at = [((n, *r), (n,), r) for n in samples for r in rest]
    return tuple(Form(piece, "entry", piece.array[i], allowed[i], rows, own) for i, rows, own in at)


def _of_each_sample(known: Known, piece: Piece, samples: tuple[int, ...]) -> Block:
    """What each sample adds to dE/dW or dE/db."""
    found: list[Form] = []
    for n in samples:
        array = known.summed(piece.node, (n,))
        if array is None:
            return ()
        allowed = np.broadcast_to(piece.tolerance, array.shape)
        own = Piece(piece.node, array, allowed)
        found += [Form(own, "entry", array[i], allowed[i], (n,), i) for i in np.ndindex(array.shape)]
    return tuple(found)
