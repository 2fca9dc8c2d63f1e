"""The expression, or a call above it: a helper that is right elsewhere, or by another argument, is not to blame."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np

from gradient_diff.source.calls import Call, WrongArgument, call_of, wrong_argument
from gradient_diff.source.events import Act, Event
from gradient_diff.source.forms import Form
from gradient_diff.source.handing import where_handed_on
from gradient_diff.source.known import Known
from gradient_diff.source.observed import Observed, Rows
from gradient_diff.source.positions import Frames, Place, Returned
from gradient_diff.source.suspicion import Suspicion
from gradient_diff.source.text import is_repeated
from manual_mlp import Array


def blamed(seen: Observed, found: Suspicion) -> Suspicion:
    """With the level that is to blame, and the argument where it is one."""
    found = replace(found, level=_level(seen, found))
    while found.level < len(found.first.places) - 1:
        wrong = _wrong_argument(seen, found)
        if wrong is None:
            break
        found = replace(found, level=found.level + 1, argument=wrong)
    return replace(found, handed_on=_handed_on(seen, found))


def _handed_on(seen: Observed, found: Suspicion) -> Place | None:
    """Where what is right as it is, but short of a step, is passed on without it."""
    if found.first.returned is not None and not found.level:
        return _where_returned(found.first.returned, found.first.value, found.put[found.first.index])
    name = seen.names[found.first.index]
    short = name is not None and found.form.node not in name.nodes and name.factor in ("1", found.factor)
    if name is None or not short or found.argument is not None or found.first.act is not Act.COMPUTES:
        return None
    whole = name.node in seen.trial.known.ladder.named
    return where_handed_on(seen, found.first, found.computed, whole)


def _where_returned(returned: Returned, value: Array, right: Array) -> Place | None:
    """Where all that is wrong was returned, if that is one of several places."""
    wrong = ~np.isclose(value.reshape(-1), right.reshape(-1)) if value.shape == right.shape else np.ones(0, bool)
    places = {place for place, off in zip(returned.each, wrong, strict=False) if off}
    return places.pop() if len(places) == 1 else None


def _level(seen: Observed, found: Suspicion) -> int:
    """Up the calls, while the same operation below them is right elsewhere: not in another round of its own loop."""
    first, level = found.first, 0
    while level < len(first.places) - 1:
        inner = (first.operation, first.places[: level + 1])
        loops = is_repeated(first.places[level])
        others = [e for e in seen.run.events if (e.operation, e.places[: level + 1]) == inner]
        others = [e for e in others if not loops or e.places != first.places]
        if not any(_is_alike(seen, e, found) for e in others if e.index not in found.put):
            break
        level += 1
    return level


def _is_alike(seen: Observed, event: Event, found: Suspicion) -> bool:
    """Whether an event is right, or as right as that which was put in would be."""
    if event.value.dtype.kind == "b":
        return False  # yes and no are alike by chance
    name = seen.names[event.index]
    as_put = name is not None and name.factor == found.factor and name.form.role == found.forms[0].role
    return as_put or (name is not None and name.exact)


def _wrong_argument(seen: Observed, found: Suspicion) -> WrongArgument | None:
    """Of the call at this level: the argument with another value of which what is called does right."""
    first = found.first
    call = _call(seen, first.index, found.level)
    if call is None:
        return None
    known, rows = seen.trial.known, seen.rows[first.index][0]
    return wrong_argument(call, first, found.put[first.index], known, partial(_of_samples, known, rows))


def _call(seen: Observed, index: int, level: int) -> Call | None:
    """The call at a level of the frames, seen while the code runs once more."""
    calls: list[Call | None] = []

    def look(frames: Frames) -> None:
        frame = frames[level] if level < len(frames) else None
        calls.append(call_of(frame) if frame is not None else None)

    seen.trial.again(watched={index: look})
    return calls[0] if calls else None


def _of_samples(known: Known, rows: Rows, value: Array) -> list[Form]:
    return known.forms_of_samples(value.shape, rows)
