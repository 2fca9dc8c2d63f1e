"""The learning rate of a step: a number that the code holds, by its name or by what it explains."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import CodeType, FunctionType, MethodType
from typing import Any

import numpy as np

from gradient_diff.source.held.called import is_called_rate
from gradient_diff.source.held.code import constants
from gradient_diff.source.held.reach import reach_of
from manual_mlp import Array

NEAR = 1e-5  # relative: what storing float32 weights leaves of a ratio; other rates are further apart


@dataclass(frozen=True)
class Rate:
    """A learning rate, where it was found, and whether the code says so itself."""

    value: float
    source: str
    said: bool = True


def numbers_of(step: Callable[..., Any], before: Mapping[str, Array]) -> dict[str, float]:
    """Path → every number above 0 that may be a rate: held somewhere, or standing in the code."""
    held = {path: float(a) for path, a in before.items() if a.shape == ()}
    written = {f"the {c!r} in the code": c for code in _codes(step) for c in constants(code)}
    return {path: number for path, number in (held | written).items() if 0 < number < np.inf}


def _codes(step: Callable[..., Any]) -> Iterator[CodeType]:
    """Of the step itself, and of all functions of the user's that it can get at."""
    for _, value in reach_of(step).slots:
        function = value.__func__ if isinstance(value, MethodType) else value
        function = function.func if isinstance(function, functools.partial) else function
        if isinstance(function, FunctionType):
            yield function.__code__


def by_name(numbers: Mapping[str, float]) -> dict[str, float]:
    """Those that are called a learning rate."""
    return {path: v for path, v in numbers.items() if is_called_rate(path)}


def factors(batch: int, outputs: int) -> tuple[float, ...]:
    """What an average or a sum over the batch or the outputs, or a half, makes of a gradient; 1 first."""
    parts = (1.0, 2.0, 0.5), (1.0, float(batch), 1.0 / batch), (1.0, float(outputs), 1.0 / outputs)
    found = (a * n * k for a, n, k in product(*parts))
    return tuple(sorted(dict.fromkeys(found), key=lambda c: abs(np.log(c))))


def near(a: float, b: float, loose: float = NEAR) -> bool:
    """Whether two numbers are the same, but for what a ratio of stored weights leaves of it."""
    return abs(a - b) <= loose * abs(b)


def explaining(
    ratios: Iterable[float],
    numbers: Mapping[str, float],
    known: Sequence[float],
    alike: Callable[[float, float], bool] = near,
) -> Iterator[tuple[str, float]]:
    """(path, number) with ratio = number · one of these factors; the first factors first, and names of a rate."""
    named = by_name(numbers)
    for factor, ratio in product(known, ratios):
        for path in (*named, *(p for p in numbers if p not in named)):
            if alike(ratio, numbers[path] * factor):
                yield path, numbers[path]
