"""What the operations of one expression might have to be: one thing throughout, each of its own samples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradient_diff.source.events import Act, Event
from gradient_diff.source.known import Form, Known, Recognised, entries_of, forms_of
from gradient_diff.source.observed import Observed, Rows, is_backward, key_of
from gradient_diff.source.pieces import Piece
from gradient_diff.source.suspects import MOST_STEPS, groups
from manual_mlp import gradient_node
from manual_mlp.extend import is_gradient

Meant = tuple[tuple[Event, ...], tuple[Form, ...]]
"""Operations, and what each of them might have to be."""
Choices = list[tuple[Event, list[Form]]]
"""Operations, and all that each of them might have to be."""


def suspects(seen: Observed) -> Iterator[Meant]:
    """Expressions, and what they might have to be; each pair once."""
    told = set()
    for events in groups(seen):
        for chosen, forms in _assignments(seen, events):
            key = (tuple(e.index for e in chosen), tuple(f.name for f in forms))
            if chosen and key not in told:
                told.add(key)
                yield chosen, forms


def _assignments(seen: Observed, events: tuple[Event, ...]) -> Iterator[Meant]:
    """Of the samples before each, then of its own."""
    for which in (0, 1):
        if all(e.value.ndim == 0 for e in events):
            yield from _numbers(seen, events, which)
            yield from (((e,), (f,)) for e in events[:MOST_STEPS] for f in _in_the_right_shape(seen, e))
            events = _last_writes(seen, events, which)
        if events:
            yield from _arrays(seen, events, which)


def _arrays(seen: Observed, events: tuple[Event, ...], which: int) -> Iterator[Meant]:
    each = [(e, _forms(seen, e, seen.rows[e.index][which])) for e in events]
    if len(each) == 1:
        yield from (((e,), (form,)) for e, forms in each for form in forms)
        return
    yield from _running_sums(seen, events, which)
    for look in dict.fromkeys(_look(f) for _, forms in each for f in forms):
        chosen = _alike(each, look)
        for step in (1, -1):
            yield tuple(e for e, _ in chosen), tuple(_in_turn([f for _, f in chosen], step))


def _alike(each: Choices, look: tuple[str, str, bool]) -> Choices:
    """Those operations that can be this, and what each of them is then."""
    chosen = [(e, [f for f in forms if _look(f) == look]) for e, forms in each]
    return [(e, forms) for e, forms in chosen if forms]


def _last_writes(seen: Observed, events: tuple[Event, ...], which: int) -> tuple[Event, ...]:
    """The last write of each sample into something larger: only then that is what it is to be."""
    last = {seen.rows[e.index][which]: e for e in events if e.whole is not None}
    return tuple(last.values())


def _running_sums(seen: Observed, events: tuple[Event, ...], which: int) -> Iterator[Meant]:
    """Sums over the samples so far."""
    sums = list(_so_far(seen, events, which))
    if len(sums) < len(events):
        return
    forms = seen.trial.known.forms
    for node in (f.node for f in forms(events[0].value.shape) if is_gradient(f.node, "kernel", "bias")):
        found = [(e, f) for e, rows in sums for f in forms(e.value.shape) if (f.node, f.rows) == (node, rows)]
        if len(found) == len(sums):
            yield tuple(e for e, _ in found), tuple(f for _, f in found)


def _so_far(seen: Observed, events: tuple[Event, ...], which: int) -> Iterator[tuple[Event, Rows]]:
    """Each with the samples up to it; none behind one at which all are at work."""
    done: tuple[int, ...] = ()
    for event in events:
        rows = seen.rows[event.index][which]
        if rows is None:
            return
        done = tuple(sorted({*done, *rows}))
        yield event, done if len(done) < seen.trial.known.batch else None


def _numbers(seen: Observed, events: tuple[Event, ...], which: int) -> Iterator[Meant]:
    """Numbers one by one: per sample as many as a layer has units, or a multiple, whose last of each is meant."""
    runs: dict[Rows, list[Event]] = {}
    for event in events:
        runs.setdefault(seen.rows[event.index][which], []).append(event)
    counts = {len(run) for run in runs.values()}
    if len(counts) == 1:
        for piece in seen.trial.known.pieces:
            yield from _numbers_of(piece, runs, min(counts), seen.trial.known.batch)


def _numbers_of(piece: Piece, runs: dict[Rows, list[Event]], count: int, batch: int) -> Iterator[Meant]:
    width = piece.array.size // (batch if piece.per_sample else 1)
    if not piece.array.ndim or count % width or piece.per_sample != (None not in runs):
        return
    each = count // width
    forms = [_entries(piece, rows) for rows in runs]
    chosen = [run[each - 1 :: each] for run in runs.values()]
    yield tuple(e for run in chosen for e in run), tuple(f for row in forms for f in row)
    if each > 1:
        repeated = tuple(f for row in forms for f in row for _ in range(each))
        yield tuple(e for run in runs.values() for e in run), repeated


def _forms(seen: Observed, event: Event, rows: Rows) -> list[Form]:
    """What an event might have to be: of the samples at work, and not what it is already."""
    own = seen.names[event.index]
    found = [*_of_its_shape(seen, event, rows), *_in_the_right_shape(seen, event)]
    if own is not None and seen.is_settled(event):
        found = [f for f in found if _may_be(own, f) and (f.name != own.form.name or not own.exact or is_backward(f))]
    return found


def _of_its_shape(seen: Observed, event: Event, rows: Rows) -> Iterator[Form]:
    known = seen.trial.known
    shapes = {event.value.shape, (event.value if event.whole is None else event.whole).shape}
    yield from (f for shape in shapes for f in known.forms(shape) if f.rows is None or f.rows == rows)
    if rows is not None and len(rows) > 1:
        yield from (f for f in _blocks(known, rows) if f.array.shape in shapes)


def _blocks(known: Known, rows: tuple[int, ...]) -> Iterator[Form]:
    """Several samples at once, as a mini-batch holds them."""
    which = list(rows)
    for piece in known.pieces:
        if piece.per_sample and piece.array.ndim == 2:
            array, allowed = piece.array[which], np.broadcast_to(piece.tolerance, piece.array.shape)[which]
            yield Form(piece, "", array, allowed, rows)
            yield Form(piece, "ᵀ", array.T, allowed.T, rows)


def _in_the_right_shape(seen: Observed, event: Event) -> list[Form]:
    """Gradients whose shape is wrong at the end, for values of any shape.

    What computes a gradient, whatever its shape, is to blame only where it is handed out so: else what turns it is.
    """
    by_node = seen.trial.known.by_node
    wrong = [f for n in seen.misshapen for f in forms_of(by_node[gradient_node(n)], 1) if f.how != "flat"]
    if event.act is Act.WRITES:
        return []
    if event.act is Act.COMPUTES and seen.is_settled(event):
        return [f for f in wrong if not f.how and key_of(event.value) in seen.handed_out]
    return wrong


def _may_be(own: Recognised, form: Form) -> bool:
    """A value that is right as it is may lack a step, or be of another layer, sample or time."""
    return form.role == own.form.role or form.layer == own.form.layer or own.form.role == "z" == form.role


def _look(form: Form) -> tuple[str, str, bool]:
    """What it is, whatever the layer and the samples."""
    return form.role, form.how, form.rows is None


def _entries(piece: Piece, rows: Rows) -> list[Form]:
    """Its numbers in order, of some samples."""
    return [f for f in entries_of(piece, 0) if not piece.per_sample or f.rows == rows]


def _in_turn(choices: list[list[Form]], step: int) -> Iterator[Form]:
    """Where shapes leave several layers, they come in turn, from the first on or from the last."""
    turn = 0
    for forms in choices:
        yield forms[::step][turn % len(forms)]
        turn += len(forms) > 1
