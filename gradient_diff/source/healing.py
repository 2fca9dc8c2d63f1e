"""Put the right value in at one expression, run again, and see what heals."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from gradient_diff.source.events import Event
from gradient_diff.source.known import Form
from gradient_diff.source.meanings import suspects
from gradient_diff.source.observed import Observed, is_backward
from gradient_diff.source.suspicion import Suspicion
from manual_mlp import Array

MOST_RUNS = 900
MOST_RUNS_OF_A_STEP = 400


def healing(seen: Observed) -> Iterator[Suspicion]:
    """All with which a gradient becomes right and none wrong."""
    steps = seen.trial.subject.at_these_sizes  # every run of a step looks through all that it holds
    limit = seen.trial.runs + (MOST_RUNS_OF_A_STEP if steps else MOST_RUNS)
    for events, forms in suspects(seen):
        if seen.trial.runs >= limit or time.monotonic() > seen.trial.ends:
            return
        yield from _tried(seen, events, forms)


def _tried(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...]) -> Iterator[Suspicion]:
    """With the factor that the same expression has elsewhere, with none, and with that which is missing."""
    for factor in dict.fromkeys(_factors(seen, events, forms)):
        put = _values(seen, events, forms, factor)
        after = seen.trial.again(put) if put else None
        health = seen.trial.healthy(after[0]) if after else seen.healthy
        if health > seen.healthy:
            yield Suspicion(events, put, forms, factor, health - seen.healthy)
            return


def _factors(seen: Observed, events: tuple[Event, ...], forms: tuple[Form, ...]) -> tuple[str, ...]:
    return *factors_beside(seen, events, forms), "1", *_factors_after(seen, events, forms)


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
    after = seen.trial.again(_values(seen, events, forms, "1")) if all(map(is_backward, forms)) else None
    if after is None:
        return
    for name, right in seen.trial.right.items():
        ratio = None if name in seen.healthy else _ratio(after[0].get(name), right)
        if ratio and seen.trial.is_right(name, after[0][name] / ratio, right):
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
    c = seen.trial.known.factors[factor]
    pairs = [(e, c * f.array) for e, f in zip(events, forms, strict=True)]
    return {e.index: value for e, value in pairs if not _same(e.value, value)}


def _same(a: Array, b: Array) -> bool:
    scale = np.abs(b).max(initial=0.0)
    with np.errstate(all="ignore"):
        return a.shape == b.shape and bool((np.abs(a - b) <= 1e-12 * scale).all())
