"""Somebody else's code, called: what it fails with is told in a sentence of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from gradient_diff.keras.functions.arguments import Arguments, no_call
from gradient_diff.keras.functions.subject import TapedFunction, float_outputs
from gradient_diff.keras.functions.whole_numbers import wants_floats

HEADS = ("Exception encountered when calling", "Error when deserializing")  # of Keras; what is wrong stands below
AUTOGRAPH = "in user code:"  # then files and lines, and last what was raised
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
PLACES = re.compile(r"^\{\{.*?\}\} |^Exception encountered: | \[Op:.*$")  # in TensorFlow and Keras


def called(
    title: str, function: Callable[..., Any], arguments: Arguments, tensors: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """The float outputs of a call, by name."""
    positional, named = arguments.packed(arguments.tensors if tensors is None else tensors)
    try:
        outputs = function(*positional, **named)
    except Exception as error:
        raise _refusal(title, function, arguments, error) from error
    try:
        return float_outputs(title, outputs)
    except TypeError as error:
        if why := wants_floats(function, arguments):
            raise TypeError(_of_whole_numbers(title, why)) from error
        raise


def _refusal(title: str, function: Callable[..., Any], arguments: Arguments, error: Exception) -> Exception:
    if isinstance(error, TypeError) and (why := no_call(function, arguments)):
        return TypeError(f"{title} cannot be called with these inputs: {why}.")
    if why := wants_floats(function, arguments):
        return TypeError(_of_whole_numbers(title, why))
    return _kind(error)(_sentence(title, arguments, error))


@contextmanager
def explained(subject: TapedFunction) -> Iterator[None]:
    """Let what a gradient raises come with what it was given and what is expected of it."""
    try:
        yield
    except Exception as error:
        what = f"The gradient of {subject.title} in mode {subject.mode}"
        raise _kind(error)(_sentence(what, subject.arguments, error)) from error


def _of_whole_numbers(title: str, why: str) -> str:
    return f"{title} cannot be computed on whole numbers: {why}."


def _kind(error: Exception) -> type[Exception]:
    return TypeError if isinstance(error, TypeError) else ValueError


def _sentence(what: str, arguments: Arguments, error: Exception) -> str:
    if isinstance(error, (TypeError, ValueError)) and "custom_gradient" in str(error):
        wanted = _wanted(arguments, error)
        return f"{what} fails: its gradient function has to return {wanted}. TensorFlow says: {error}"
    return f"{what} fails on these inputs: {first_line(error)}. inputs= gave it {arguments.described}."


def _wanted(arguments: Arguments, error: Exception) -> str:
    if "variables" in str(error):
        return "(gradients of the arguments, list of gradients of the variables), as grad(*upstream, variables=None)"
    inputs = ", ".join(n.removeprefix("inputs/") for n in arguments.leaves)
    return f"one gradient per tensor argument ({inputs}), in their order"


def first_line(error: Exception) -> str:
    """The kind of an error, and the line of its text that says what is wrong."""
    lines = [PLACES.sub("", line.strip()).strip() for line in COLOUR.sub("", str(error)).splitlines()]
    told = [line for line in lines if line and not line.startswith(HEADS)] or [""]
    line = told[-1] if told[0] == AUTOGRAPH else told[0]
    return f"{type(error).__name__}: {line.rstrip('.')}" if line else type(error).__name__
