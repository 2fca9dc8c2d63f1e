"""Which operations are tried together, as one expression: those near to where what is known ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gradient_diff.source.events import Act, Event
from gradient_diff.source.grounds import edge_of
from gradient_diff.source.observed import Observed, key_of, read_by, varies

MOST_STEPS = 4  # of a right derivation between what is known and what is known again

_MOST_ALONE = 4  # of one expression's operations, each by itself; of more only the last


def groups(seen: Observed) -> tuple[list[tuple[Event, ...]], list[tuple[Event, ...]]]:
    """All events of one expression; those of one call chain; then the same with what is further on.

    Where what goes in is right and what comes out is not, that is looked at first. Of numbers all stand for one array.
    What the same expression computes further on is wrong by then, and may be wrong by itself, too.
    """
    near: dict[tuple[object, ...], list[Event]] = {}
    every: dict[tuple[object, ...], list[Event]] = {}
    able = _able(seen)
    numbers = {key for e in able if not e.value.ndim for key in _keys(e)}
    for event in seen.run.events:
        keys = _keys(event) if event.places and event.value.dtype.kind in "fb" else ()
        for key in keys:
            if event.act is Act.COMPUTES:  # all that is written, put right at once, would heal whatever is wrong
                every.setdefault(key, []).append(event)
            if event in able or key in numbers:
                near.setdefault(key, []).append(event)
    found = _in_turn(seen, near.values())
    told = set(found)
    return found, [g for g in _in_turn(seen, [every[key] for key in near if key in every]) if g not in told]


def _in_turn(seen: Observed, gathered: Iterable[list[Event]]) -> list[tuple[Event, ...]]:
    ordered = sorted(gathered, key=lambda g: _place_in_turn(seen, g))
    indices = dict.fromkeys(tuple(e.index for e in g) for g in ordered)
    return [tuple(seen.run.events[i] for i in each) for each in indices]


def alone(each: Sequence[tuple[Event, ...]]) -> Iterator[tuple[Event, ...]]:
    """Of several operations those of one shape, and each by itself."""
    many = [g for g in each if len(g) > 1]
    for events in many:
        shapes = dict.fromkeys(e.value.shape for e in events)
        yield from (tuple(e for e in events if e.value.shape == shape) for shape in shapes if len(shapes) > 1)
    few = (g if len(g) <= _MOST_ALONE else g[-1:] for g in many)
    yield from ((e,) for e in dict.fromkeys(e for g in few for e in g))


def _place_in_turn(seen: Observed, events: list[Event]) -> tuple[bool, bool, int]:
    """Edges first; of these, what is known up to a factor last: that may be a convention."""
    edge = edge_of(seen, tuple(events))
    return edge is None, edge is not None and seen.names[edge.index] is not None, (edge or events[0]).index


def _keys(event: Event) -> tuple[tuple[object, ...], ...]:
    """The widest first: what is tried first must not hang on the order of a set."""
    number = event.value.ndim == 0
    return tuple(dict.fromkeys((event.operation, p, number) for p in (event.places[:1], event.places)))


def _able(seen: Observed) -> dict[Event, None]:
    located = [e for e in seen.run.events if e.places and e.value.dtype.kind in "fb"]
    return dict.fromkeys(e for e in located if _may_be_wrong(seen, e) and _meets_unknown(seen, e))


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
