"""What the user's code prints while it is checked: told beside the result, and not without end."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

MOST = 100
"""Lines that are passed on: a function that prints is called again and again."""


class Prints(io.TextIOBase):
    """A standard output whose first lines go to the standard error."""

    def __init__(self, most: int = MOST) -> None:
        super().__init__()
        self._left = most

    def writable(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if self._left > 0:
            lines = text.splitlines(keepends=True)
            sys.stderr.write("".join(lines[: self._left]))
            self._left -= sum(line.endswith("\n") for line in lines)
            if self._left <= 0:
                sys.stderr.write("… (what your code prints after this is not shown)\n")
        return len(text)


@contextmanager
def prints_aside() -> Iterator[None]:
    """The standard output is the command's own: what the user's code prints goes to the standard error."""
    with redirect_stdout(Prints()):
        yield
