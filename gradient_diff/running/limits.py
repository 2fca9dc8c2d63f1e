"""What a process may take of the machine, where the system lets one say so; no sandbox."""

from __future__ import annotations

import importlib
import math
import os

MEMORY = 2 * 2**30
"""Bytes."""


def limit_this_process(memory: int, seconds: float) -> None:
    """No more memory, no larger files, no core dump, and no more of the processors, should nobody wait any more."""
    try:
        resource = importlib.import_module("resource")
    except ImportError:  # not on Windows
        return
    processors = math.ceil(seconds) * (os.cpu_count() or 1) + 1
    wanted = {"RLIMIT_AS": memory, "RLIMIT_FSIZE": memory, "RLIMIT_CORE": 0, "RLIMIT_CPU": processors}
    for name, most in wanted.items():
        if (number := getattr(resource, name, None)) is None:
            continue
        hard = resource.getrlimit(number)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        try:
            resource.setrlimit(number, (least, least))
        except (OSError, ValueError):  # macOS knows RLIMIT_AS and does not set it
            continue
