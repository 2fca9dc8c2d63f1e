"""manifest.json: what was run, with which versions and flags, and how long it took."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from experiments.study import Result, Settings, slug

NUMERIC_FLAGS = ("TF_ENABLE_ONEDNN_OPTS", "TF_XLA_FLAGS", "XLA_FLAGS", "OMP_NUM_THREADS", "NVIDIA_TF32_OVERRIDE")


def manifest(name: str, settings: Settings, result: Result, seconds: float) -> dict[str, object]:
    """Everything that a later reader needs to judge or repeat a run.

    Args:
        name: of the study.
        settings: it ran with.
        result: it gave.
        seconds: wall time.

    Returns:
        Plain data for JSON; no machine paths.

    Example:
        >>> manifest("demo", Settings(), Result("Demo", ()), 0.5)["experiment"]
        'demo'
    """
    return {
        "experiment": name,
        **asdict(settings),
        "verdict": result.verdict.name,
        "failed": result.failed,
        "verdicts": {caption: c.diff.verdict.name for caption, c in result.comparisons.items()},
        "reproducible": {slug(caption): table.reproducible for p in result.parts for caption, table in p.tables.items()},
        "versions": _versions(),
        "flags": _flags(),
        "commit": _commit(),
        "command": " ".join([Path(sys.argv[0]).name, *sys.argv[1:]]),
        "seconds": round(seconds, 2),
    }


def _versions() -> dict[str, str]:
    packages = ("gradient-diff", "tensorflow", "keras", "numpy", "pandas", "matplotlib")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def _flags() -> dict[str, object]:
    """Only read what was started: a study without TensorFlow must not load it for its manifest."""
    flags: dict[str, object] = {name: os.environ.get(name, "unset") for name in NUMERIC_FLAGS}
    if "tensorflow" in sys.modules:
        from keras_mlp.startup import tf32_enabled

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
