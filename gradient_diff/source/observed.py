"""The run as it is: what each value in it is, and how far each is from what is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.source.events import Act, Event, Run
from gradient_diff.source.forms import Recognised, is_backward, says_nothing
from gradient_diff.source.known import Known
from gradient_diff.source.positions import Place, Span
from gradient_diff.source.trial import Trial
from manual_mlp import Array
from manual_mlp.extend import Shape

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
        rows: index → the samples at work before it, with it, and behind it.
        healthy: gradients that are right.
        misshapen: gradients that have another shape.
        given: all that came out.
    """

    trial: Trial
    run: Run
    names: Mapping[int, Recognised | None]
    rows: Mapping[int, tuple[Rows, Rows, Rows]]
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
        told = [e for e in run.events if not says_nothing(e.value)]
        names = dict.fromkeys(e.index for e in run.events) | {
            e.index: trial.known.recognise(e.value, magnitude(e)) for e in told
        }
        rows = dict(_contexts(run.events, names))
        misshapen = tuple(n for n, a in trial.right.items() if np.shape(given.get(n, a)) != a.shape)
        return cls(trial, run, names, rows, trial.healthy(given), misshapen, given)

    def is_settled(self, event: Event) -> bool:
        """Known, and without a factor: of a gradient that may be a convention, or the mistake; −u is right."""
        name = self.names[event.index]
        if name is None or name.exact:
            return name is not None
        return not is_backward(name.form) and name.factor == "−1"

    def recognise(self, operand: Array) -> Recognised | None:
        """What goes in, where that says something."""
        return None if says_nothing(operand) else self.trial.known.recognise(operand)

    def ways_into(self, event: Event) -> list[tuple[Array, ...]]:
        """What goes into its expression, and into each call that it is computed in."""
        if event.index not in self._ways:
            known, run = self.trial.known, self.run
            calls = [i for i in range(1, len(event.places)) if self._is_last_of(event, i)]
            self._ways[event.index] = [read_by(run, known, event, i) for i in (0, *calls)]
        return self._ways[event.index]

    def with_put(self, put: Mapping[int, Array]) -> Mapping[str, Array] | None:
        """What comes out with other values at some operations; None where it raises."""
        key = frozenset((i, v.tobytes()) for i, v in put.items())
        if key not in self._tried:
            after = self.trial.again(put)
            self._tried[key] = None if after is None else after[0]
        return self._tried[key]

    @cached_property
    def _tried(self) -> dict[frozenset[tuple[int, bytes]], Mapping[str, Array] | None]:
        return {}

    def is_nested(self, event: Event) -> bool:
        """Whether the same expression goes on with it."""
        own, after = (*self.run.events[event.index : event.index + 2], None)[:2]
        if own is None or after is None or not after.places or after.places == own.places:
            return False
        return key_of(own.value) in map(key_of, after.operands) and _is_below(own.places, after.places)

    def is_called_in(self, outer: Event, inner: Event) -> bool:
        """Whether an operation is in a function that the expression of another one calls."""
        deeper = len(inner.places) > len(outer.places) > 0
        return deeper and _is_below(inner.places, outer.places)

    def _is_last_of(self, event: Event, level: int) -> bool:
        """Whether a call ends with it, so that it is what the call gives."""
        after = next(iter(self.run.events[event.index + 1 : event.index + 2]), None)
        deep = len(after.places) - len(event.places) + level if after is not None else 0
        if after is None or deep < 1 or not _is_below(after.places, event.places[level:]):
            return True
        own, new = event.places[level - 1].span, after.places[deep - 1].span
        return (new[0], new[2]) <= (own[0], own[2]) and not _holds(new, own)  # it is called once more

    @cached_property
    def _ways(self) -> dict[int, list[tuple[Array, ...]]]:
        return {}

    def is_known(self, operand: Array) -> bool:
        """Whether what goes in is right, or stands in the code: a number that nothing has computed."""
        if operand.size > 1:
            return self.trial.known.recognise(operand) is not None or not varies(operand)
        return key_of(operand) not in self.unknown

    @cached_property
    def unknown(self) -> dict[Key, int]:
        """Of values that nobody knows: how many steps they are from what is known; a sum is one, however long."""
        depth: dict[Key, int] = {}
        sums: dict[Key, Place] = {}
        for event in self.run.events:
            key = key_of(event.value)
            if self.names[event.index] is None and key not in depth and not says_nothing(event.value):
                place = event.places[0] if event.places and not event.value.ndim else None
                own = [depth.get(k, 0) + (place is None or sums.get(k) != place) for k in map(key_of, event.operands)]
                depth[key] = max(own, default=1)
                if place is not None:
                    sums[key] = place
        return depth

    @cached_property
    def read_by_unknown(self) -> set[Key]:
        """What goes into operations whose result is not settled, as it is, turned, or with another sign."""
        found: set[Key] = set()
        for event in reversed(self.run.events):
            if not self.is_settled(event) or (key_of(event.value) in found and self._only_turned(event)):
                found |= {key_of(o) for o in event.operands}
        return found

    @cached_property
    def read_by_known(self) -> set[Key]:
        """What goes into operations that are right."""
        right = (e for e in self.run.events if e.act is Act.COMPUTES and self.is_settled(e))
        return {key_of(o) for e in right for o in e.operands}

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
    events: Sequence[Event], names: Mapping[int, Recognised | None]
) -> Iterator[tuple[int, tuple[Rows, Rows, Rows]]]:
    """index → the samples that are at work there: those of the value recognised last and next, before, with, behind."""
    before = list(_last_rows(events, names))
    behind = list(_last_rows(events[::-1], names))[::-1]
    for event, (old, own), (new, _) in zip(events, before, behind, strict=True):
        yield event.index, (old, own, new)


def _last_rows(events: Iterable[Event], names: Mapping[int, Recognised | None]) -> Iterator[tuple[Rows, Rows]]:
    rows: Rows = None
    for event in events:
        name, before = names[event.index], rows
        if name is not None and name.form.piece.per_sample:
            rows = name.form.rows
        yield before, rows


def read_by(run: Run, known: Known, event: Event, level: int = 0) -> tuple[Array, ...]:
    """What goes into an expression: of what it computes on the way, and nobody knows, what goes in there.

    So of a gradient with a factor, which may be cancelled later; x[:, :3] is what it is. At a higher `level` it is
    what goes into a call.
    """
    inside = _within_the_call(run, event, level) if level or not event.value.ndim else _inside(run, event)
    inner = {key_of(e.value): e for e in inside if e.act is Act.COMPUTES}
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


def _within_the_call(run: Run, event: Event, level: int) -> Iterator[Event]:
    """What was computed for it by the same expression, and by what that calls: of numbers, a sum is one operation."""
    needed, places = set(map(key_of, event.operands)), event.places[level:]
    for other in run.before(event.index) if places else ():
        if not _is_below(other.places, places):
            return
        if key_of(other.value) in needed:
            needed |= set(map(key_of, other.operands))
            yield other
        elif other.places == event.places and not event.value.ndim:
            return  # the number before this one


def _is_below(inner: tuple[Place, ...], outer: tuple[Place, ...]) -> bool:
    """Whether it runs within an expression, or within what that calls."""
    (code, own), depth = (outer[0].code, outer[0].span), len(inner) - len(outer)
    if depth < 0 or inner[depth + 1 :] != outer[1:]:
        return False
    return inner[depth].code is code and _holds(own, inner[depth].span)


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
