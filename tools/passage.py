"""What a comparison passes through: the files it enters, and how often the derivation comes back to one of them.

`python tools/passage.py ROOT`, with the house at ROOT on `PYTHONPATH`, prints them as JSON for `anatomy.py`.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import is_dataclass
from inspect import CO_VARARGS, CO_VARKEYWORDS
from itertools import groupby
from pathlib import Path
from types import FrameType
from typing import Any

PACKAGES = ("manual_mlp", "gradient_diff", "keras_mlp")


def passage(
    root: Path, call: Callable[[], object], watched: Iterable[object] = (), depth: int = 1
) -> tuple[set[str], list[str]]:
    """The files below root that a call enters; and the file of each call that is handed one of the watched objects.

    Handed is an argument that is one of them (the very object), or a mapping, a sequence or a record that holds one, as
    deep as depth. A call in a loop, or in a function that is called again, counts the first time: what is counted is
    written calls.
    """
    entered: set[str] = set()
    handed: list[str] = []
    sites = set()
    ids = {id(item) for item in watched}

    def look(frame: FrameType, event: str, _: object) -> None:
        if event != "call" or not is_own(root, frame.f_code.co_filename):
            return
        entered.add(frame.f_code.co_filename)
        caller = frame.f_back
        site = (caller and caller.f_code, caller and caller.f_lasti, frame.f_code)
        if site not in sites and any(holds(value, ids, depth) for value in arguments(frame)):
            sites.add(site)
            handed.append(frame.f_code.co_filename)

    sys.setprofile(look)
    try:
        call()
    finally:
        sys.setprofile(None)
    return entered, handed


def is_own(root: Path, file: str) -> bool:
    """Below root, and neither a test nor a tool nor installed."""
    path = Path(file)
    return path.is_relative_to(root) and path.relative_to(root).parts[0] not in ("tests", "tools", ".venv")


def arguments(frame: FrameType) -> list[Any]:
    """What the function of a frame that begins was called with."""
    code = frame.f_code
    count = code.co_argcount + code.co_kwonlyargcount
    count += bool(code.co_flags & CO_VARARGS) + bool(code.co_flags & CO_VARKEYWORDS)
    return [frame.f_locals[name] for name in code.co_varnames[:count] if name in frame.f_locals]


def holds(value: object, ids: set[int], depth: int) -> bool:
    """Whether a value is one of these objects, or has one among its parts."""
    return id(value) in ids or (depth > 0 and any(holds(part, ids, depth - 1) for part in parts(value)))


def parts(value: object) -> Iterable[object]:
    """What a mapping, a sequence or a record holds."""
    if isinstance(value, Mapping):
        return list(value.values())
    if isinstance(value, tuple | list):
        return value
    return list(vars(value).values()) if is_dataclass(value) and hasattr(value, "__dict__") else ()


def stays(files: list[str]) -> list[str]:
    """The file of each stay: of calls that follow each other in one file. One that was left before is a return."""
    return [file for file, _ in groupby(files)]


def load_all(root: Path) -> None:
    """Import every module, so that no import counts as passed through."""
    for package in PACKAGES:
        found = importlib.import_module(package)
        if not is_own(root, str(found.__file__)):
            raise ModuleNotFoundError(f"{package} is not the one below {root}")
        for module in pkgutil.walk_packages(found.__path__, f"{package}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)


def measure(root: Path) -> dict[str, list[str]]:
    """The files of a right `compare` and of a wrong `check_gradients` on a 2-3-3 network with five samples."""
    load_all(root)
    import numpy as np

    from gradient_diff import compare
    from keras_mlp import backpropagate, to_keras
    from manual_mlp import MLP, Dense

    doors = [importlib.import_module(name) for name in ("gradient_diff.keras", "keras_mlp") if name in sys.modules]
    check_gradients = next(door.check_gradients for door in doors if hasattr(door, "check_gradients"))
    mlp = MLP(2, [Dense(3, "sigmoid"), Dense(3)])
    weights, rng = mlp.initialize(0), np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    model = to_keras(mlp, weights)
    hand, tape = mlp.backpropagate(weights, x, y, "mse"), backpropagate(model, x, y, "mse")
    wrong = {name.replace("dE_d", ""): 5 * gradient for name, gradient in hand.gradients.items()}

    def check() -> Any:
        return check_gradients(model, x, y, wrong, loss="mse")

    def run() -> Any:
        return compare(hand, tape)

    assert run().ok and not check().ok  # once before, so that what is made on first use does not count
    own = [hand, *hand.nodes.values()]
    found = {
        "right": sorted(passage(root, run)[0]),
        "wrong": sorted(passage(root, check)[0]),
        "stays": stays(passage(root, run, own)[1]),
        "inside records": stays(passage(root, run, own, depth=4)[1]),
    }
    return {what: [Path(file).relative_to(root).as_posix() for file in files] for what, files in found.items()}


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]).resolve())))  # noqa: T201  its output
