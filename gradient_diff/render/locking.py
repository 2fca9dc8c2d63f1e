"""One writer at a time for a folder, and two folders that change places in one step."""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

WAIT = 10.0  # seconds for which a second writer waits
_PAUSE = 0.05
_AT_FDCWD, _RENAME_EXCHANGE = -100, 2  # of Linux's <fcntl.h> and <linux/fs.h>


class BusyError(FileExistsError):
    """Another process writes there; the text says which and what to do."""


@contextmanager
def locked(target: Path) -> Iterator[None]:
    """Hold the lock of a folder, a file beside it that names this process; the system drops it if that is killed.

    Raises:
        BusyError: another process holds it for longer than WAIT.
    """
    place = target.parent / f".{target.name}.lock"
    descriptor = _acquired(place, target)
    try:
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        with suppress(OSError):
            place.unlink()
        os.close(descriptor)


def _acquired(place: Path, target: Path) -> int:
    end = time.monotonic() + WAIT
    while True:
        descriptor = os.open(place, os.O_RDWR | os.O_CREAT, 0o666)
        if _LOCK(descriptor):
            if _is_still(descriptor, place):  # or its last owner has removed it since it was opened
                return descriptor
            os.close(descriptor)
            continue
        owner = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip() if hasattr(os, "pread") else ""
        os.close(descriptor)
        if time.monotonic() > end:
            text = (
                f"{target} is being written by another run of gradient-diff, process {owner or 'unknown'}. Wait for it"
            )
            raise BusyError(errno.EEXIST, f"{text}, or choose another folder. Nothing was written.")
        time.sleep(_PAUSE)


def _is_still(descriptor: int, place: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), place.stat())
    except FileNotFoundError:
        return False


def _by_flock(descriptor: int) -> bool:
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _by_msvcrt(descriptor: int) -> bool:
    import msvcrt

    lock: Any = msvcrt
    try:
        lock.locking(descriptor, lock.LK_NBLCK, 1)
    except OSError:
        return False
    return True


_LOCK: Callable[[int], bool] = _by_msvcrt if os.name == "nt" else _by_flock


def exchanged(one: Path, other: Path) -> bool:
    """Let two folders change places in one step; False where the system or its files know no such step."""
    try:
        exchange = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError, TypeError):
        return False
    return bool(exchange(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0)
