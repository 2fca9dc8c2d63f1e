"""Call somebody's derivation on copies: whatever it does to its arguments spoils nothing, and is noticed."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from manual_mlp import Array
from manual_mlp.extend import Arrays

MOST_LISTED = 4  # parameters, in the note of an error


@dataclass(frozen=True, eq=False)
class Called:
    """What came of one call.

    Attributes:
        gradients: what the function returned; its arrays are copies, which a second call cannot overwrite.
        changed: names of the arrays among its arguments that it changed in place.
    """

    gradients: Any
    changed: tuple[str, ...]


def call_derivation(
    function: Callable[..., Any], parameters: Arrays, x: Array, y: Array, draws: Arrays | None = None
) -> Called:
    """Call a derivation of somebody's on copies of everything."""
    given: list[Any] = [dict(parameters), x, y, *([] if draws is None else [dict(draws)])]
    _check_signature(function, len(given))
    passed = copied(given)
    try:
        gradients = function(*passed)
    except Exception as error:
        error.add_note(_how_it_was_called(given))
        raise
    if gradients is None:
        raise TypeError(f"{_name(function)} returned None: expected the gradients. Does it end without a return?")
    return Called(copied(gradients), tuple(_changed(given, passed)))


def _check_signature(function: Callable[..., Any], count: int) -> None:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # one that tells nobody what it takes
        return
    try:
        signature.bind(*range(count))
    except TypeError as error:
        wanted = ", ".join(("parameters", "x", "y", "draws")[:count])
        raise TypeError(
            f"{_name(function)}{signature} cannot be called with ({wanted}): {error}. "
            "Expected a function of these that returns the gradients."
        ) from None


def copied(value: Any) -> Any:
    """A copy down to the arrays; what is no array, dict, list or tuple stays itself."""
    if isinstance(value, np.ndarray):
        return value.copy()
    if isinstance(value, dict):
        return {name: copied(item) for name, item in value.items()}
    return type(value)(map(copied, value)) if type(value) in (list, tuple) else value


def _changed(given: list[Any], passed: list[Any]) -> Iterator[str]:
    for title, before, after in zip(("parameters", "x", "y", "draws"), given, passed, strict=False):
        pairs = ((n, a, after.get(n)) for n, a in before.items()) if title in ("parameters", "draws") else None
        yield from (name for name, a, b in pairs or [(title, before, after)] if not _same_bits(a, b))


def _same_bits(a: Array, b: object) -> bool:
    """NaNs included."""
    return isinstance(b, np.ndarray) and (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())


def _how_it_was_called(given: list[Any]) -> str:
    parameters, x, y, *draws = given
    shown = [f"{name!r} {np.shape(a)}" for name, a in list(parameters.items())[:MOST_LISTED]]
    more = ", …" * (len(parameters) > MOST_LISTED)
    first = next(iter(parameters), "dense_1/kernel")
    return (
        f"It was called as f(parameters, x, y{', draws' * bool(draws)}) with parameters, a dict of {', '.join(shown)}"
        f"{more}; x {x.shape}; y {y.shape}. Read a weight by its name: parameters[{first!r}]; "
        "all of them, in order: parameters.values()."
    )


def _name(function: Callable[..., Any]) -> str:
    name = getattr(function, "__name__", "")
    return f"Your function {name}" if name.isidentifier() else "Your function"


def in_place(changed: tuple[str, ...]) -> str:
    """What is to be said of arguments that were changed; empty where none were."""
    if not changed:
        return ""
    many = "s" * (len(changed) > 1)
    return (
        f"Your function changed its argument{many} {', '.join(changed)} in place. Here it was given copies; in your "
        "own program all that reads them later gets other numbers. Write a = a - b, not a -= b."
    )
