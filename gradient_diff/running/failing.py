"""What somebody's code raised, told by his own frames: ours and the libraries' say nothing to him."""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

_HOME = Path(__file__).resolve().parents[2]
_OURS = tuple(f"{_HOME / name}{os.sep}" for name in ("gradient_diff", "manual_mlp", "keras_mlp"))
_LIBRARIES = tuple(f"{Path(place).resolve()}{os.sep}" for place in (sys.prefix, sys.base_prefix))


class Raised(Exception):  # noqa: N818  # it carries another's
    """What the user's code raised, whatever it is."""

    def __init__(self, error: BaseException) -> None:
        super().__init__(type(error).__name__)
        self.error = error


def is_his(error: BaseException, file: Path) -> bool:
    """Whether it came out of the user's code; a signal that ended the command meanwhile did not."""
    files = [frame.f_code.co_filename for frame, _ in traceback.walk_tb(error.__traceback__)]
    if isinstance(error, SystemExit) and files[-1:] and files[-1].startswith(_OURS):
        return False
    return any(_is_his_file(name, file) for name in files)


def his_traceback(error: BaseException, file: Path) -> str:
    """The traceback with his frames only, the notes below it."""
    whole = traceback.TracebackException.from_exception(error)
    _keep_his(whole, file, set())
    return "".join(whole.format()).rstrip("\n")


def in_one_line(error: BaseException, file: Path) -> str:
    """`line 7: ValueError: shapes do not fit`: where in the file, and the first line of what was raised."""
    name, text = type(error).__name__, next(iter(_text(error).splitlines()), "")
    line = error.lineno if isinstance(error, SyntaxError) else _line(error, file)
    return f"{f'line {line}: ' if line else ''}{name}{f': {text}' if text else ''}"


def _text(error: BaseException) -> str:
    """Its message; an exception whose own `__str__` fails has none."""
    try:
        return str(error.msg if isinstance(error, SyntaxError) else error)
    except Exception:  # noqa: BLE001  # it is somebody's
        return ""


def _line(error: BaseException, file: Path) -> int | None:
    """The line of the file that was running when it was raised."""
    own = str(file.resolve())
    lines = [place for frame, place in traceback.walk_tb(error.__traceback__) if frame.f_code.co_filename == own]
    return lines[-1] if lines else None


def _keep_his(whole: traceback.TracebackException, file: Path, seen: set[int]) -> None:
    """In the error and in those that led to it."""
    if id(whole) in seen:
        return
    seen.add(id(whole))
    whole.stack = traceback.StackSummary.from_list([f for f in whole.stack if _is_his_file(f.filename, file)])
    for other in (whole.__cause__, whole.__context__):
        if other is not None:
            _keep_his(other, file, seen)


def _is_his_file(name: str, file: Path) -> bool:
    """The file itself, or another below its folder that is neither ours nor a library's."""
    own = file.resolve()
    if name == str(own):
        return True
    near = name.startswith(f"{own.parent}{os.sep}") and "site-packages" not in name
    return near and not name.startswith((*_OURS, *(p for p in _LIBRARIES if not str(own).startswith(p))))
