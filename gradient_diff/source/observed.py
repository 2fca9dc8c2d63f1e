"""The run as it is: what each value in it is, and how far each is from what is known."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from gradient_diff.source.events import Event, Run
from gradient_diff.source.known import Form, Recognised
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
        """Known, and of a gradient without a factor: that may be a convention, or the mistake."""
        name = self.names[event.index]
        return name is not None and (name.exact or not is_backward(name.form))

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
