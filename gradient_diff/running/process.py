"""Somebody's code run apart: in a process with limits, an empty folder and a bare environment. It is no sandbox."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gradient_diff.files.code_json import code_from_json
from gradient_diff.files.reading import read_within
from gradient_diff.result.code import Code
from gradient_diff.running.child import ANSWER, CODE, GRADIENTS, Order
from gradient_diff.running.limits import MEMORY
from gradient_diff.running.structures import put_together
from gradient_diff.wording import printable
from manual_mlp import Evaluation

_MOST = 2**24  # bytes of a text that comes back
_LONGEST = 600  # signs of a reason
_KEPT = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")
_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")  # each takes of the memory


@dataclass(frozen=True, eq=False)
class Given:
    """What a submission gives.

    Attributes:
        gradients: as `compare` takes them.
        changed: arguments that its function changed in place.
        code: what tracing says of its lines; None where it is none, or nothing was traced.
    """

    gradients: Any
    changed: tuple[str, ...] = ()
    code: Code | None = None


@dataclass(frozen=True)
class Apart:
    """How code is run.

    Attributes:
        reference: a saved Evaluation, with the problem.
        seconds: after which it is stopped.
        layout: as `compare` has it.
        memory: bytes that it may take.
    """

    reference: Path
    seconds: float = 60.0
    layout: str | None = None
    memory: int = MEMORY

    def run(self, file: Path, most: int) -> Given:
        """Its gradients, of at most so many bytes, and its lines; a ValueError says why there are none."""
        if not file.is_file():
            raise FileNotFoundError(2, "No such file or directory", str(file))
        with _folders() as home:
            order = self._order(file, home)
            ended = _ended(order, home)
            return read_answer(Path(order.answer), ended, most, self.seconds)

    def _order(self, file: Path, home: Path) -> Order:
        """Copies of both files: whatever it does to its own folder or to the reference, the originals stay."""
        code, reference = home / "code" / file.name, home / "reference.npz"
        shutil.copyfile(file, code)
        shutil.copyfile(self.reference, reference)
        return Order(str(code), str(reference), str(home / "answer"), self.layout, self.memory, self.seconds)


@contextmanager
def _folders() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gradient-diff-", ignore_cleanup_errors=True) as name:
        home = Path(name).resolve()
        for folder in ("code", "answer", "empty"):
            (home / folder).mkdir()
        yield home


def _ended(order: Order, home: Path) -> int | None:
    """The code with which it ended; None if it was stopped."""
    letter = home / "order.json"
    letter.write_text(json.dumps(asdict(order)), "utf-8")
    command = [sys.executable, "-m", "gradient_diff.running.child", str(letter)]
    with (home / "answer" / "errors.txt").open("wb") as errors:
        process = subprocess.Popen(
            command,
            cwd=home / "empty",
            env=_environment(home),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=errors,
            start_new_session=True,
        )
        try:
            return process.wait(order.seconds)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    """With all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


def _environment(home: Path) -> dict[str, str]:
    """Where Python finds us, and nothing that is a secret."""
    ours = str(Path(__file__).resolve().parents[2])
    given = [str(Path(p).resolve()) for p in os.environ.get("PYTHONPATH", "").split(os.pathsep) if p]
    empty = str(home / "empty")
    return {
        **{name: os.environ[name] for name in _KEPT if name in os.environ},
        **dict.fromkeys(("HOME", "USERPROFILE", "TMPDIR", "TEMP", "TMP"), empty),
        **dict.fromkeys(_THREADS, "1"),
        "PYTHONPATH": os.pathsep.join(dict.fromkeys([ours, *given])),
        "PYTHONSAFEPATH": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUTF8": "1",
        "MPLBACKEND": "agg",
    }


def read_answer(answer: Path, ended: int | None, most: int, seconds: float) -> Given:
    """The gradients that a process left, and its lines; a ValueError says why there are none."""
    told = _read(answer / ANSWER)
    if told is None:
        raise ValueError(_why(ended, seconds, answer))
    if "reason" in told:
        raise ValueError(_short(str(told["reason"])))
    arrays = _arrays(answer / GRADIENTS, most)
    names = told.get("changed")
    changed = tuple(map(str, names)) if isinstance(names, list) else ()
    return Given(put_together(told.get("skeleton"), arrays), changed, _code(answer / CODE, ended, seconds))


def _read(path: Path) -> dict[str, Any] | None:
    """A record that somebody's code may have written: None where it is none."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST:
        return None
    try:
        told = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError, OSError):
        return None
    return told if isinstance(told, dict) else None


def _why(ended: int | None, seconds: float, answer: Path) -> str:
    if ended is None:
        return f"It took longer than {seconds:g} s, and was stopped. --time-limit allows more."
    if ended < 0:
        name = next((s.name for s in signal.Signals if s.value == -ended), str(-ended))
        return f"Its process was ended by {name} before it gave gradients."
    told = _last_line(answer / "errors.txt")
    return f"Its process ended by itself, with code {ended}, before it gave gradients.{f' {told}' if told else ''}"


def _last_line(path: Path) -> str:
    """What our own side said, if that is what failed."""
    if path.is_symlink() or not path.is_file() or path.stat().st_size > _MOST:
        return ""
    return printable(path.read_text("utf-8", "replace").strip().rpartition("\n")[2])


def _arrays(path: Path, most: int) -> list[Any]:
    if path.is_symlink() or not path.is_file():
        raise ValueError("What it returned did not come back.")
    try:
        arrays = read_within(path, most)
    except ValueError as error:
        raise ValueError(str(error).replace(printable(str(path)), "What it returned")) from None
    held = {} if isinstance(arrays, Evaluation) else arrays
    return [held[f"arr_{i}"] for i in range(len(held)) if f"arr_{i}" in held]


def _code(path: Path, ended: int | None, seconds: float) -> Code | None:
    if ended is None:
        return Code(silent=f"tracing was stopped after {seconds:g} s")
    try:
        told = _read(path)
        return None if told is None else code_from_json(told)
    except (ValueError, RecursionError):
        return Code(silent="what tracing says of it cannot be read")


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
