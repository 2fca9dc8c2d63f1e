"""manifest.json: what was run, with which versions and flags, and how long it took."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from experiments.frame.study import Result, Settings, slug
from gradient_diff.extend import date

NUMERIC_FLAGS = ("TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "XLA_FLAGS", "OMP_NUM_THREADS", "NVIDIA_TF32_OVERRIDE")
PACKAGES = ("gradient-diff", "tensorflow", "keras", "numpy", "pandas", "matplotlib", "scikit-learn")
JUDGED = ("verdict", "failed", "verdicts", "expected", "claims", "reproducible")
"""What a report shows elsewhere, and a test reads."""


def manifest(name: str, settings: Settings, result: Result, seconds: float) -> dict[str, Any]:
    """Everything that a later reader needs to judge or repeat a run."""
    return {
        "experiment": name,
        "command": command(name, settings),
        "date": date(),
        **_options(settings),
        "data": dict(result.data),
        "verdict": result.verdict.name,
        "failed": result.failed,
        "verdicts": {caption: c.diff.verdict.name for caption, c in result.comparisons.items()},
        "expected": {caption: c.expected.name for caption, c in result.comparisons.items()},
        "claims": result.claims,
        "reproducible": {slug(caption): list(table.reproducible) for caption, table in result.tables.items()},
        "versions": _versions(),
        "flags": _flags(),
        "commit": _commit(),
        "seconds": round(seconds, 2),
    }


def command(name: str, settings: Settings) -> str:
    """What to type to get the same numbers again; the folder that results go to is left out."""
    usual = _options(Settings())
    changed = {option: value for option, value in _options(settings).items() if value != usual[option]}
    options = [f"--{option}" if value is True else f"--{option} {value}" for option, value in changed.items()]
    return " ".join(["gradient-diff run", name, *options])


def _options(settings: Settings) -> dict[str, object]:
    """Of files only the names: where they lie is this machine's affair, as is who shares the work."""
    told = {name: value for name, value in asdict(settings).items() if name not in ("jobs", "kept")}
    return {name: value.name if isinstance(value, Path) else value for name, value in told.items()}


def _versions() -> dict[str, str]:
    return {"python": platform.python_version(), **{name: _version(name) for name in PACKAGES}}


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # run from a checkout, or TensorFlow under another name such as tensorflow-cpu
        return "not installed"


def _flags() -> dict[str, object]:
    """Only read what was started: a study without TensorFlow must not load it for its manifest."""
    flags: dict[str, object] = {name: os.environ.get(name, "unset") for name in NUMERIC_FLAGS}
    if "tensorflow" in sys.modules:
        from keras_mlp.extend import tf32_enabled

        flags["tf32"] = tf32_enabled()
    return flags


def _commit() -> str:
    """The commit of the checkout that the code runs from; "none" in an installed package."""
    try:
        here = Path(__file__).parent
        done = subprocess.run(["git", "rev-parse", "HEAD"], cwd=here, capture_output=True, text=True, check=False)
    except OSError:
        return "none"
    return done.stdout.strip() or "none"
