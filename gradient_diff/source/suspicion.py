"""An expression that is to blame, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gradient_diff.source.calls import WrongArgument
from gradient_diff.source.events import Event
from gradient_diff.source.forms import Form
from gradient_diff.source.positions import Place
from manual_mlp import Array


@dataclass(frozen=True, eq=False)
class Suspicion:
    """An expression, and what heals with the right values in its place.

    Attributes:
        events: the operations of that expression for which another value was put in.
        put: index → that value.
        forms: what each should be.
        factor: a convention factor before them.
        healed: gradients that are right with it and were not before.
        gained: how many recorded values are recognised with it that were not before.
        argument: of the call that is to blame, where one is.
        handed_on: where a value that is right as it is, but lacks a step, is passed on by its bare name.
        weak: what goes in is off, too, or it is right as it is: without a fix that was run nobody is told.
    """

    events: tuple[Event, ...]
    put: Mapping[int, Array]
    forms: tuple[Form, ...]
    factor: str
    healed: frozenset[str]
    gained: int = 0
    argument: WrongArgument | None = None
    handed_on: Place | None = None
    weak: bool = False
    level: int = 0  # of the places: 0 the innermost; above it the calls, where what they call is right elsewhere

    @property
    def place(self) -> Place:
        return self.handed_on or self.computed

    @property
    def computed(self) -> Place:
        """Where the value is computed; it may be right there, and wrong where it is handed on."""
        return self.first.places[self.level]

    @property
    def form(self) -> Form:
        """What the first of them should be."""
        return self.forms[[e.index for e in self.events].index(self.first.index)]

    @property
    def first(self) -> Event:
        """The first operation for which another value was put in."""
        return next(e for e in self.events if e.index in self.put)
