"""Which operations are tried together, as one expression: those near to where what is known ends."""

from __future__ import annotations

from collections.abc import Iterator

from gradient_diff.source.events import Act, Event
from gradient_diff.source.observed import Observed, key_of, read_by, varies

MOST_STEPS = 4  # of a right derivation between what is known and what is known again

_MOST_ALONE = 4  # of one expression's operations, each by itself; of more only the last


def groups(seen: Observed) -> Iterator[tuple[Event, ...]]:
    """All events of one expression; those of one call chain; those of one shape among them; then each alone.

    Where what goes in is right and what comes out is not, that is looked at first.
    """
    gathered: dict[tuple[object, ...], list[Event]] = {}
    for event in _able(seen):
        for key in _keys(event):
            gathered.setdefault(key, []).append(event)
    ordered = sorted(gathered.values(), key=lambda g: (not is_edge(seen, g[0]), g[0].index))
    for indices in dict.fromkeys(tuple(e.index for e in g) for g in ordered):
        yield tuple(seen.run.events[i] for i in indices)
    many = [g for g in gathered.values() if len(g) > 1]
    alone = [e for g in many for e in (g if len(g) <= _MOST_ALONE else g[-1:])]
    yield from ((e,) for e in dict.fromkeys(alone))


def _keys(event: Event) -> tuple[tuple[object, ...], ...]:
    """The widest first: what is tried first must not hang on the order of a set."""
    whole, number = (event.operation, event.places), event.value.ndim == 0
    return tuple(
        dict.fromkeys(((event.operation, event.places[:1], number), (*whole, number), (*whole, event.value.shape)))
    )


def _able(seen: Observed) -> list[Event]:
    located = [e for e in seen.run.events if e.places and e.value.dtype.kind == "f"]
    return [e for e in located if _may_be_wrong(seen, e) and _meets_unknown(seen, e)]


def _may_be_wrong(seen: Observed, event: Event) -> bool:
    """A part, a transpose, a write, a sum or a multiple is guilty only if what goes into it is right.

    So is what is added to a running sum: its own value so far is off with the first that was added.
    """
    into = event.operands if event.accumulates else read_by(seen.run, seen.trial.known, event)
    operands = [o for o in into if o.dtype.kind == "f" and (o.size > 1 or event.act is Act.WRITES)]
    if event.act is Act.COMPUTES and len(operands) > 1 and not event.accumulates:
        return True
    added = operands[1:] if event.accumulates else operands
    return all(seen.trial.known.recognise(o) is not None or not varies(o) for o in added)


def _meets_unknown(seen: Observed, event: Event) -> bool:
    """Whether it is near to where what is known ends: what is behind that is wrong only because this is."""
    key = key_of(event.value)
    if not seen.is_settled(event):
        return max((seen.unknown.get(key_of(o), 0) for o in event.operands), default=0) <= MOST_STEPS
    return key in seen.read_by_unknown or key in seen.handed_out


def is_edge(seen: Observed, event: Event) -> bool:
    """Whether what is known ends here: all that goes in is right, and what comes out is not known to be."""
    if seen.is_settled(event):
        return False
    return all(seen.trial.known.recognise(o) is not None for o in event.operands if varies(o))
