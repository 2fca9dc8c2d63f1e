"""A step as a subject of tracing: its weights put in, and everything numeric that it holds recording."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from gradient_diff.source.answers import Answers
from gradient_diff.source.events import current, not_watching
from gradient_diff.source.held.gradients import Inferred
from gradient_diff.source.held.held import Held
from gradient_diff.source.held.reach import reach_of
from gradient_diff.source.held.slots import Slot
from gradient_diff.source.recorded import follow, plain
from gradient_diff.source.subject import Subject, subject_of
from manual_mlp.extend import Arrays


def subject_of_step(held: Held) -> Subject:
    """A step that was read; each run puts everything back."""
    subject = subject_of(lambda p, x, y: _taken(held, p, x, y), Answers(), held.stepper.step)
    recipe = held.found.recipe
    hidden = 1 / recipe.rate if isinstance(recipe, Inferred) and recipe.rate else 0.0
    return replace(subject, at_these_sizes=True, hidden=hidden)


def _taken(held: Held, parameters: Arrays, x: Any, y: Any) -> Arrays:
    """The gradients that one step from these weights tells of."""
    watched = current() is not None
    prepare = [lambda: held.put_weights(plain(dict(parameters))), *([lambda: _follow(held)] if watched else [])]
    run = replace(held.stepper, quiet=True).run(x, y, prepare)
    with not_watching():
        return held.found.recipe.read(run)


def _follow(held: Held) -> None:
    """Arrays and numbers in it record, in the same memory; the snapshot that the run takes puts the old ones back."""
    with not_watching():
        for slot, value in list(_numeric(held.stepper.step)):
            slot.put(follow(value))


def _numeric(step: Callable[..., Any]) -> Iterator[tuple[Slot, Any]]:
    for slot, value in reach_of(step).slots:
        numbers = type(value) is list and value and all(type(v) is float for v in value)
        if numbers or (type(value) is np.ndarray and value.dtype.kind == "f"):
            yield slot, value
