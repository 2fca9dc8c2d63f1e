"""Plants that raise: what the note of the exception says of them."""

from __future__ import annotations

import linecache
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from experiments.benchmarks.lines.plant import Plant, Style, Variant
from experiments.benchmarks.lines.planting import planted, text_of
from experiments.benchmarks.lines.problems import called, evaluation_of
from gradient_diff.extend import Raised, raised_in
from manual_mlp import Evaluation
from manual_mlp.extend import Arrays


@dataclass(frozen=True)
class Note:
    """What is said of one plant.

    Attributes:
        line: the line that raised, or one that it names as where an operand was made, is the one with the mistake.
        operands: how many there are, and how many are recognised.
        right: with what it says should stand there the code runs and every gradient is right; None where it is silent.
        text: the note.
    """

    line: bool
    operands: tuple[int, int]
    right: bool | None
    text: str


def note_on(style: Style, variant: Variant, plant: Plant, seed: int = 0) -> Note | None:
    """The note of a plant; None where no expression is named at all."""
    bad = planted(text_of(style, variant), plant)
    e = evaluation_of(style, variant, seed)
    with _source(style, bad.text):
        raised = _raised(_derivation(style, bad.text), e)
    if raised is None:
        return None
    text, at = "\n".join(raised.lines()), bad.line()
    named = [raised.failing.place.line, *(place.line for _, place, _ in raised.made)]
    known = sum(name is not None or not np.any(value) for _, value, name in raised.met)
    return Note(at in named, (len(raised.met), known), _is_right(style, raised, e), text)


@contextmanager
def _source(style: Style, text: str) -> Iterator[None]:
    """The text is known to Python as that of the style's file."""
    linecache.cache[style.file] = (len(text), None, text.splitlines(keepends=True), style.file)
    try:
        yield
    finally:
        del linecache.cache[style.file]


def _raised(function: Callable[..., Any], e: Evaluation) -> Raised | None:
    given = {n: a.copy() for n, a in e.problem.parameters.items()}, e.problem.x.copy(), e.problem.y.copy()
    try:
        function(*given)
    except Exception as error:  # noqa: BLE001  # each plant raises as it likes
        raised = raised_in(error, error.__traceback__, function, e.problem)
        if raised is not None:
            list(raised.lines())  # while its source is known
        return raised
    raise ValueError("The plant raises nothing, but stands among those that raise.")


def _derivation(style: Style, text: str) -> Callable[..., Any]:
    """(parameters, x, y) → gradients, also of a step: the object gets the parameters as its weights."""
    entry = called(style, text)
    return entry if style.call != "step" else lambda p, x, y: _stepped(style, text, p, x, y)


def _stepped(style: Style, text: str, parameters: Arrays, x: Any, y: Any) -> list[Any]:
    step = called(style, text)
    net, arrays = step.__self__, list(parameters.values())
    net.weights, net.biases = arrays[::2], [b.reshape(1, -1) for b in arrays[1::2]]
    before = [np.array(a) for a in arrays]
    step(x, y)
    after = [a for pair in zip(net.weights, net.biases, strict=True) for a in pair]
    return [(a - b.reshape(a.shape)) / style.learning_rate for a, b in zip(before, after, strict=True)]


def _is_right(style: Style, raised: Raised, e: Evaluation) -> bool | None:
    """Whether the code runs with it and all its gradients are right."""
    if raised.mended_source is None:
        return None
    try:
        given = _derivation(style, raised.mended_source)(dict(e.problem.parameters), e.problem.x, e.problem.y)
    except Exception:  # noqa: BLE001  # it may raise as before, or further down
        return False
    pairs = zip(_arrays(given, e), e.gradients.values(), strict=True)
    return all(np.allclose(a, b, rtol=1e-8, atol=1e-12) for a, b in pairs)


def _arrays(given: Any, e: Evaluation) -> list[Any]:
    given = given[1] if isinstance(given, tuple) else given
    if isinstance(given, dict):
        return [given[n] for n in e.gradients]
    if isinstance(given, list):
        return given
    cuts = np.cumsum([g.size for g in e.gradients.values()])[:-1]
    return [p.reshape(g.shape) for p, g in zip(np.split(given, cuts), e.gradients.values(), strict=True)]
