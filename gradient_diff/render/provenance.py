"""How a report was made: command and date, versions, and what is known of the comparison itself."""

from __future__ import annotations

import os
import platform
import re
import shlex
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from gradient_diff.result.code import bare, origin_name
from gradient_diff.result.diff import GradientDiff
from gradient_diff.wording import printable

_PACKAGES = ("gradient-diff", "numpy", "tensorflow", "keras")
_FOLDERS = re.compile(r"[^\s=:]*[/\\]")  # before a name, also before that of `--out=marks/ann` or `net/a.py:step`
_NOT_TOLD = "not told"


def provenance(diff: GradientDiff, given: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """What is given, and beside it all that a later reader needs to judge or repeat the comparison."""
    problem = diff.problem
    known: dict[str, Any] = {
        "hand": origin_name(diff.hand_origin),
        "reference": origin_name(diff.reference_origin),
        "network": problem.mlp.outline if problem else _NOT_TOLD,
        "loss": problem.loss.name if problem else _NOT_TOLD,
        "dtype": ", ".join(sorted({row.dtype for row in diff.rows if row.dtype})) or _NOT_TOLD,
        "batch": problem.batch if problem else _NOT_TOLD,
        "mode": ("training" if problem.training else "inference") if problem else _NOT_TOLD,
        "seed": _NOT_TOLD,
        "command": command(),
        "date": date(),
        "versions": versions(),
    }
    return known | dict(given or {})


def date() -> str:
    """Now, or when `SOURCE_DATE_EPOCH` says, in UTC to the second.

    Returns:
        As ISO 8601 has it.

    Example:
        >>> len(date())
        20
    """
    told = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(told), UTC) if told.isascii() and told.isdigit() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def command() -> str:
    """What was typed; of files only the names: where they lie is this machine's affair."""
    program, *arguments = sys.argv or [""]
    name = bare(program) or "python"
    if "ipykernel" in program:
        return "in a notebook"
    if name == "__main__.py":
        name = f"python -m {Path(program).parent.name}"
    return printable(" ".join([name, *(shlex.quote(_FOLDERS.sub("", argument)) for argument in arguments)]))


def versions() -> dict[str, str]:
    """Of Python and of what computes; what is not installed is left out."""
    found = {name: _version(name) for name in _PACKAGES}
    return {"python": platform.python_version(), **{name: v for name, v in found.items() if v}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return ""
