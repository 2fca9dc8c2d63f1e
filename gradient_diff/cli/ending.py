"""How a command ends: what its exit code means, and what a closed pipe, a signal or a crash come to."""

from __future__ import annotations

import io
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import typer
from typer.core import TyperGroup

from gradient_diff.plain import ERRORS
from gradient_diff.wording import printable

PROVED, WRONG, UNPROVED, CRASH, USAGE, INTERRUPTED = 0, 1, 2, 3, 4, 130
_UsageError: type[typer.BadParameter] = typer.BadParameter.__mro__[1]  # typer gives it no name of its own


class Commands(TyperGroup):
    """A wrong command line ends with USAGE: 2, which click has for it, is a verdict here."""

    def make_context(self, *arguments: Any, **more: Any) -> Any:
        with _as_usage():
            return super().make_context(*arguments, **more)

    def invoke(self, ctx: Any) -> Any:
        with _as_usage():
            return super().invoke(ctx)


@contextmanager
def _as_usage() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        error.exit_code = USAGE
        error.message = _with_what_was_typed(error)
        raise


_EXPECTED = {
    "int_parsing": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "greater_than_equal": "{ge} or more",
    "less_than_equal": "{le} or less",
}


def _with_what_was_typed(error: Any) -> str:
    """What pydantic, by which typer reads options, says of an input without naming it."""
    found: list[Any] = getattr(error.__cause__, "errors", list)()
    expected = _EXPECTED.get(found[0]["type"]) if found else None
    if expected is None:
        return str(error.message).removeprefix("Value error, ")
    return f"{printable(str(found[0]['input']))}: expected {expected.format(**found[0].get('ctx', {}))}."


def run_to_its_end(command: Callable[[], object]) -> NoReturn:
    """Run a command in a process of its own, and leave with its code; what was begun is taken back in any case."""
    os.environ["MPLBACKEND"] = "agg"  # nothing is shown on a screen here, whatever a backend of the user's is called
    for number in (getattr(signal, name, None) for name in ("SIGTERM", "SIGHUP")):
        if number is not None and signal.getsignal(number) is not signal.SIG_IGN:  # as nohup has it ignored
            signal.signal(number, _leave)
    sys.stdout, sys.stderr = Output.of(sys.stdout), Notes.of(sys.stderr)
    sys.exit(code_of(command))


def _leave(number: int, frame: object) -> NoReturn:
    """As Ctrl-C does: whatever is being written is removed on the way out."""
    raise SystemExit(128 + number)


def code_of(command: Callable[[], object]) -> int:
    """Of a command that was run; a crash says where, and nothing of anybody's gradients."""
    try:
        code = _left_with(command)
        sys.stdout.flush()
    except Unwritable as error:
        sys.stderr.write(f"{error}\n")
        return USAGE
    except Exception:  # noqa: BLE001  # the last place where anybody could catch it
        traceback.print_exc()
        sys.stderr.write("gradient-diff crashed, which says nothing of your gradients. Please report the text above.\n")
        return CRASH
    return code


def _left_with(command: Callable[[], object]) -> int:
    try:
        command()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else PROVED if end.code is None else CRASH
    return PROVED


class Unwritable(Exception):  # noqa: N818  # it is a state of the output
    """The standard output takes nothing any more."""


class Output(io.TextIOWrapper):
    """A standard output that writes ASCII where it has no better sign, and is quiet once nobody reads it."""

    @classmethod
    def of(cls, stream: Any) -> Any:
        """For the same file; a stream that is no file stays as it is, and where there is none nobody reads."""
        if stream is None:
            return Path(os.devnull).open("w", encoding="utf-8")
        if not isinstance(stream, io.TextIOWrapper):
            return stream
        encoding, buffered = stream.encoding, stream.line_buffering
        encoding, buffered, through = stream.encoding, stream.line_buffering, stream.write_through  # gone once detached
        return cls(stream.detach(), encoding, ERRORS, line_buffering=buffered, write_through=through)

    def write(self, text: str) -> int:
        with self._open():
            return super().write(text)
        return len(text)

    def flush(self) -> None:
        with self._open():
            super().flush()

    @contextmanager
    def _open(self) -> Iterator[None]:
        """Whoever closed the pipe has read enough; the command goes on to its verdict."""
        try:
            yield
        except BrokenPipeError:
            self._to_nobody()
        except OSError as error:
            self._to_nobody()
            raise Unwritable(f"The standard output cannot be written: {error.strerror}.") from error

    def _to_nobody(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.fileno())


class Notes(Output):
    """A standard error; what it does not take is lost, and no code hangs on it."""

    @contextmanager
    def _open(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self._to_nobody()
