"""What the command line tells besides its result, and how it refuses."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import typer

from gradient_diff.wording import printable

UNUSABLE = (OSError, ValueError, TypeError)  # what is raised of files and texts that make no sense


def show(text: str, end: str = "\n") -> None:
    """The result, to the standard output, by its own encoding."""
    sys.stdout.write(text + end)
    sys.stdout.flush()


def say(text: str) -> None:
    """To the standard error: what is printed there can be piped away from the result. Control characters are shown."""
    typer.echo("".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text), err=True)


@contextmanager
def blame(option: str | None, kinds: tuple[type[Exception], ...] = UNUSABLE) -> Iterator[None]:
    """What a file or a text lacks becomes a refusal of the option that named it: exit code 4."""
    try:
        yield
    except kinds as error:
        raise typer.BadParameter(_in_words(error), param_hint=option) from error


def _in_words(error: Exception) -> str:
    text = str(error)
    if isinstance(error, MemoryError):
        text = f"too large for this machine's memory ({text}). Choose smaller widths, or a smaller batch."
    if isinstance(error, OSError) and error.strerror:
        text = f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    return "\n".join(printable(line) for line in text.split("\n"))


def count(things: Sequence[object], kind: str = "file") -> str:
    """How many there are, in words; the name of a single file."""
    if len(things) == 1 and kind == "file":
        return str(things[0])
    return f"{len(things)} {kind}{'s' * (len(things) != 1)}"
