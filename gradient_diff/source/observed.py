"""The run as it is: what each value in it is, and how far each is from what is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.source.events import Act, Event, Run
from gradient_diff.source.known import Form, Known, Recognised
from gradient_diff.source.positions import Span
from gradient_diff.source.trial import Trial
from manual_mlp import Array
from manual_mlp.extend import Shape, is_gradient

Rows = tuple[int, ...] | None
"""The samples that are at work; None for all."""
Key = tuple[Shape, bytes]
"""A value's shape and bits."""


@dataclass(frozen=True, eq=False)
class Observed:
    """One run of a trial.

    Attributes:
        trial, run: which.
        names: index → what the value is.
        rows: index → the samples at work before it, and with it.
        healthy: gradients that are right.
        misshapen: gradients that have another shape.
        given: all that came out.
    """

    trial: Trial
    run: Run
    names: Mapping[int, Recognised | None]
    rows: Mapping[int, tuple[Rows, Rows]]
    healthy: frozenset[str]
    misshapen: tuple[str, ...]
    given: Mapping[str, Array]

    @classmethod
    def of(cls, trial: Trial) -> Observed | None:
        """Of a trial, with what was found before; None where it raises."""
        result = trial.again(light=False)
        if result is None:
            return None
        given, run = result
        names = {e.index: trial.known.recognise(e.value, magnitude(e)) for e in run.events}
        rows = dict(_contexts(run.events, names))
        misshapen = tuple(n for n, a in trial.right.items() if np.shape(given.get(n, a)) != a.shape)
        return cls(trial, run, names, rows, trial.healthy(given), misshapen, given)

    def is_settled(self, event: Event) -> bool:
        """Known, and without a factor: of a gradient that may be a convention, or the mistake; −u is right."""
        name = self.names[event.index]
        if name is None or name.exact:
            return name is not None
        return not is_backward(name.form) and abs(self.trial.known.factors[name.factor]) == 1

    @cached_property
    def unknown(self) -> dict[Key, int]:
        """Of values that nothing is known of: how many steps they are from what is known."""
        depth: dict[Key, int] = {}
        for event in self.run.events:
            if self.names[event.index] is None and key_of(event.value) not in depth:
                depth[key_of(event.value)] = 1 + max((depth.get(key_of(o), 0) for o in event.operands), default=0)
        return depth

    @cached_property
    def read_by_unknown(self) -> set[Key]:
        """What goes into operations whose result is not settled, as it is, turned, or with another sign."""
        found: set[Key] = set()
        for event in reversed(self.run.events):
            if not self.is_settled(event) or (key_of(event.value) in found and self._only_turned(event)):
                found |= {key_of(o) for o in event.operands}
        return found

    def _only_turned(self, event: Event) -> bool:
        own = self.names[event.index]
        names = [self.trial.known.recognise(o) for o in event.operands]
        return own is not None and [n.node for n in names if n is not None] == [own.node]

    @cached_property
    def handed_out(self) -> set[Key]:
        """Wrong gradients as they are, in any shape."""
        wrong = [a for n, a in self.given.items() if n not in self.healthy]
        known = [e.value for e in self.run.events if self.is_settled(e)]
        flat = {np.sort(a, axis=None).tobytes() for a in wrong}
        return {key_of(v) for v in known if np.sort(v, axis=None).tobytes() in flat}


def _contexts(
    events: Iterable[Event], names: Mapping[int, Recognised | None]
) -> Iterator[tuple[int, tuple[Rows, Rows]]]:
    """index → the samples that are at work there: those of the value recognised last, before it and with it."""
    rows: Rows = None
    for event in events:
        name, before = names[event.index], rows
        if name is not None and name.form.piece.per_sample:
            rows = name.form.rows
        yield event.index, (before, rows)


def read_by(run: Run, known: Known, event: Event) -> tuple[Array, ...]:
    """What goes into an expression: of what it computes on the way, and nobody knows, what goes in there.

    So of a gradient with a factor, which may be cancelled later; x[:, :3] is what it is.
    """
    inner = {key_of(e.value): e for e in _inside(run, event) if e.act is Act.COMPUTES}
    found, left = list[Array](), list(event.operands)
    while left:
        operand = left.pop(0)
        part, name = inner.pop(key_of(operand), None), known.recognise(operand)
        if part is None or (name is not None and (name.exact or not is_backward(name.form))):
            found.append(operand)
        else:
            left += part.operands
    return tuple(found)


def _inside(run: Run, event: Event) -> Iterator[Event]:
    """The operations inside an operation's own expression, from the last back."""
    if not event.places:
        return
    (code, own), callers = (event.places[0].code, event.places[0].span), event.places[1:]
    for other in run.before(event.index):
        if (
            len(other.places) > len(event.places)
            and other.places[-len(event.places) + 1 or len(other.places) :] == callers
        ):
            continue  # in a function that it calls
        if not other.places or other.places[0].code is not code or other.places[1:] != callers:
            return
        if other.places[0].span == own or not _holds(own, other.places[0].span):
            return
        yield other


def _holds(outer: Span, inner: Span) -> bool:
    (top, last, left, right), (first, end, start, stop) = outer, inner
    return (top, left) <= (first, start) and (end, stop) <= (last, right)


def magnitude(event: Event) -> float:
    """The largest number that went in: a result may be off by its rounding."""
    return max((float(np.abs(o).max()) for o in event.operands if o.size and o.dtype.kind == "f"), default=0.0)


def key_of(value: Array) -> Key:
    """What two copies of a value share."""
    return value.shape, value.tobytes()


def varies(value: Array) -> bool:
    """A constant array is what the user wrote: zeros, ones."""
    return bool(value.size and value.min() != value.max())


def is_backward(form: Form) -> bool:
    """A gradient, or the error that it begins with: linear in what came down."""
    return is_gradient(form.node) or form.role == "z − y"
