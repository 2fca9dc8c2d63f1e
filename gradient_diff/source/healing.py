"""Put the right value in at one expression, run again, and see what heals."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from gradient_diff.source.events import Event
from gradient_diff.source.factors import OF_ITS_BATCH
from gradient_diff.source.forms import Form, is_backward
from gradient_diff.source.meanings import short_of_a_step, suspects
from gradient_diff.source.observed import Observed, key_of, read_by
from gradient_diff.source.suspicion import Suspicion
from manual_mlp import Array

MOST_RUNS = 900
MOST_RUNS_OF_A_STEP = 400


def healing(seen: Observed, grounded: bool) -> Iterator[Suspicion]:
    """All with which a gradient becomes right and none wrong; those first that there are grounds for."""
    steps = seen.trial.subject.at_these_sizes  # every run of a step looks through all that it holds
    limit = seen.trial.runs + (MOST_RUNS_OF_A_STEP if steps else MOST_RUNS)
    for events, forms in suspects(seen, grounded):
        if seen.trial.runs >= limit or seen.trial.is_late:
            return
        yield from _tried(seen, events, forms)


def on_the_way_to(seen: Observed, found: Suspicion) -> Iterator[Suspicion]:
    """An operation is right where with another operand it gives what it should: then that operand is blamed."""
    read = {key_of(o) for o in seen.ways_into(found.first)[0]}
    for events, forms in short_of_a_step(seen, read):
        for one in _tried(seen, events, forms):
            if one.healed >= found.healed and one.first.index < found.first.index and not _turns_back(seen, one):
                yield one


def _turns_back(seen: Observed, found: Suspicion) -> bool:
    """Whether a value of the forward pass would have to be one of the backward pass: that is made where it is read."""
    own = seen.names[found.first.index]
    return own is not None and is_backward(found.form) and not is_backward(own.form)


def _tried(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[Suspicion]:
    """With the factor that the same expression has elsewhere, with none, and with that which is missing."""
    parts = all(is_backward(f) and f.rows is not None and len(f.rows) > 1 for f in forms)
    likely = (*factors_beside(seen, events, forms), *_factors_of_operands(seen, events, forms), "1")
    for factor in dict.fromkeys((*likely, *(OF_ITS_BATCH,) * parts, *_factors_after(seen, events, forms))):
        put = _values(seen, events, forms, factor)
        given = seen.with_put(put) if put else None
        if given is not None and seen.trial.healthy(given) > seen.healthy:
            yield Suspicion(events, put, forms, factor, seen.trial.healthy(given) - seen.healthy)
            return


def _factors_of_operands(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[str]:
    """What came down with a factor goes on with it."""
    if all(map(is_backward, forms)):
        names = (seen.trial.known.recognise(o) for o in read_by(seen.run, seen.trial.known, events[0]))
        yield from (n.factor for n in names if n is not None and is_backward(n.form))


def factors_beside(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[str]:
    """The factor that the same expression has where it is right."""
    first = events[0]
    for event in seen.run.events:
        name = seen.names[event.index]
        same = (event.operation, event.places[:1]) == (first.operation, first.places[:1])
        if same and name is not None and name.form.role == forms[0].role:
            yield name.factor
            return


def _factors_after(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[str]:
    """With the right value in place all that follows may be right but for one convention factor: which."""
    put = _values(seen, events, forms, "1") if all(map(is_backward, forms)) else None
    given = seen.with_put(put) if put else None
    for name, right in seen.trial.right.items():
        now = None if given is None or name in seen.healthy else given.get(name)
        ratio = _ratio(now, right)
        if now is not None and ratio and seen.trial.is_right(name, now / ratio, right):
            factors = seen.trial.known.factors.items()
            yield from (label for label, c in factors if label != "1" and abs(c * ratio - 1) < 1e-6)
            return


def _ratio(given: Array | None, right: Array) -> float | None:
    """given / right, were they alike; None where they cannot be."""
    total = float(np.square(right).sum())
    if given is None or given.shape != right.shape or not total:
        return None
    return float((given * right).sum() / total)


def _values(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...], factor: str) -> dict[int, Array]:
    """What to put in; nothing where it is there already."""
    known = seen.trial.known
    pairs = [(e, known.scale(factor, f) * f.array) for e, f in zip(events, forms, strict=True)]
    return {e.index: value for e, value in pairs if not _same(e.value, value)}


def _same(a: Array, b: Array) -> bool:
    scale = np.abs(b).max(initial=0.0)
    with np.errstate(all="ignore"):
        return a.shape == b.shape and bool((np.abs(a - b) <= 1e-12 * scale).all())
