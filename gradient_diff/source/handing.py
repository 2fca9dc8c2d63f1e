"""Where a value that is right, but short of a step, is handed on as it is: there the step is missing."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from gradient_diff.source.events import Act, Event, current
from gradient_diff.source.observed import Key, Observed, key_of
from gradient_diff.source.positions import Place, is_users, place_at
from gradient_diff.source.recorded import plain
from gradient_diff.source.text import Source, span_of

_LISTED = (ast.ListComp, ast.GeneratorExp)


def where_handed_on(seen: Observed, event: Event, place: Place, whole: bool) -> Place | None:
    """The operation or function that gives back what it takes; else the bare name by which it is passed on.

    What is not yet a `whole` equation is passed on by its name where it is returned.
    """
    key, end = key_of(event.value), seen.run.count
    for reader in seen.run.events[event.index + 1 :]:
        if reader.act is Act.COMPUTES and key in map(key_of, reader.operands):
            if _is_times_one(reader, key) and reader.places:
                return reader.places[0]
            if not seen.is_settled(reader):
                end = reader.index
                break
    return _given_back(seen, event, end) or where_named(place, whole)


def _is_times_one(event: Event, key: Key) -> bool:
    others = [o for o in event.operands if key_of(o) != key]
    product = event.operation in ("multiply", "divide", "mul", "truediv")
    return product and key_of(event.value) == key and all((o == 1).all() for o in others)


def _given_back(seen: Observed, event: Event, before: int) -> Place | None:
    """The end of a function of the user's that computes nothing and returns what it was given."""
    found: list[Place] = []
    begun: dict[FrameType, int] = {}
    key = key_of(event.value)

    def look(frame: FrameType, what: str, result: Any) -> None:
        run = current()
        if found or run is None or not event.index < run.count <= before or not is_users(frame.f_code):
            return
        if what == "call":
            begun[frame] = run.count
        elif what == "return" and begun.get(frame) == run.count and result is not None:
            place = place_at(frame.f_code, frame.f_lasti - 2)  # what is returned, not that it is
            own = _as_it_is(result)
            if place is not None and own is not None and own in map(_as_it_is, _arguments(frame)) and key in _in(own):
                found.append(place)

    with _profiled(look):
        seen.trial.again()
    return found[0] if found else None


@contextmanager
def _profiled(look: Any) -> Iterator[None]:
    """Calls and returns are looked at; who profiles already goes on behind."""
    before = sys.getprofile()
    sys.setprofile(look)
    try:
        yield
    finally:
        sys.setprofile(before)


def _arguments(frame: FrameType) -> list[Any]:
    code = frame.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    return [frame.f_locals[n] for n in names if n in frame.f_locals]


def _as_it_is(value: Any) -> Key | tuple[Any, ...] | None:
    """What two copies of an array, a number or a list of such share; of anything else nothing."""
    if isinstance(value, list | tuple):
        return tuple(map(_as_it_is, value))
    return key_of(np.asarray(plain(value))) if isinstance(value, np.ndarray | float) else None


def _in(key: Any) -> Iterator[Any]:
    yield key
    if isinstance(key, tuple):
        for part in key:
            yield from _in(part)


def where_named(place: Place, whole: bool) -> Place | None:
    """Of a value that is given a name and next passed on by that name alone: the name there."""
    source = Source.of(place.code)
    statement = source.statement(place.span) if source else None
    name = _name_of(statement, place) if statement is not None else None
    if source is None or statement is None or name is None:
        return None
    function = source.function(place.span)
    after = [n for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)]
    uses = [n for n in after if n.id == name and n.lineno > statement.lineno]
    first = min(uses, key=lambda n: (n.lineno, n.col_offset), default=None)
    passed = first is not None and _is_passed(first, function, whole)
    return Place(place.code, span_of(first)) if first is not None and passed else None


def _name_of(statement: ast.stmt, place: Place) -> str | None:
    """The name that an expression, or a list of such, is given; of a sum that is added up, its own."""
    if isinstance(statement, ast.AugAssign) and isinstance(statement.target, ast.Name):
        return statement.target.id if span_of(statement) == place.span else None
    if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
        return None
    value = statement.value.elt if isinstance(statement.value, _LISTED) else statement.value
    return statement.targets[0].id if span_of(value) == place.span else None


def _is_passed(name: ast.Name, function: ast.AST, whole: bool) -> bool:
    """Given another name, kept in a list, or returned: nothing is computed with it there."""
    for node in ast.walk(function):
        if isinstance(node, ast.Return) and node.value is name:
            return True
        if whole and isinstance(node, ast.Assign) and node.value is name:
            return True
        kept = isinstance(node, ast.Call) and getattr(node.func, "attr", "") in ("append", "insert")
        if whole and isinstance(node, ast.Call) and kept and name in node.args:
            return True
        if whole and isinstance(node, _LISTED) and isinstance(node.elt, ast.Name):
            return any(name in ast.walk(loop.iter) for loop in node.generators)
    return False
