"""The process in which somebody's code runs: `python -m gradient_diff.running.child ORDER.json`.

First its gradients are written, then what tracing says of its lines: whoever waits and loses patience has the first.
"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gradient_diff.calling import call_derivation
from gradient_diff.comparison import compare
from gradient_diff.files.code_json import code_to_json
from gradient_diff.result.code import Code
from gradient_diff.running.failing import Raised, in_one_line
from gradient_diff.running.limits import limit_this_process
from gradient_diff.running.loading import Place, Unloadable, load_derivation
from gradient_diff.running.structures import taken_apart
from gradient_diff.sides import Derivation
from manual_mlp import Array, Evaluation

GRADIENTS, ANSWER, CODE = "gradients.npz", "answer.json", "code.json"


@dataclass(frozen=True)
class Order:
    """What is to be done.

    Attributes:
        file: with the code.
        reference: a saved Evaluation.
        answer: the folder to write into.
        layout: as `compare` has it.
        memory: bytes that may be taken.
        seconds: that it may take.
    """

    file: str
    reference: str
    answer: str
    layout: str | None
    memory: int
    seconds: float


def run(order: Order) -> None:
    """Do what is ordered, within limits and in silence."""
    evaluation = Evaluation.load(order.reference)
    limit_this_process(order.memory, order.seconds)
    _silence()
    answer(Path(order.file), evaluation, order.layout, Path(order.answer))


def answer(file: Path, evaluation: Evaluation, layout: str | None, folder: Path) -> None:
    """Write the gradients, or why there are none, and what tracing says."""
    try:
        derivation = load_derivation(Place(file))
        skeleton, arrays, changed = _called(derivation, evaluation)
    except BaseException as error:  # noqa: BLE001  # it is somebody's, and may be anything
        _write(folder / ANSWER, {"reason": _reason(error, file)})
        return
    np.savez(folder / GRADIENTS, *arrays)
    _write(folder / ANSWER, {"skeleton": skeleton, "changed": [*changed]})
    _write(folder / CODE, _traced(derivation, evaluation, layout))


def _silence() -> None:
    """From here on whatever is printed is somebody's, and nobody's business."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)


def _called(derivation: Derivation, evaluation: Evaluation) -> tuple[Any, list[Array], tuple[str, ...]]:
    problem = evaluation.problem
    called = call_derivation(derivation, problem.parameters, problem.x, problem.y)
    arrays: list[Array] = []
    return taken_apart(called.gradients, arrays), arrays, called.changed


def _traced(derivation: Derivation, evaluation: Evaluation, layout: str | None) -> Any:
    """What the comparison here finds in the code; nothing that goes wrong in it costs the gradients."""
    try:
        code = compare(derivation, evaluation, layout=layout).code
    except BaseException as error:  # noqa: BLE001  # gradients that do not fit are told by who reads them
        code = Code(silent=f"it was called again, and raised {type(error).__name__}")
    return None if code is None else code_to_json(code)


def _reason(error: BaseException, file: Path) -> str:
    if isinstance(error, Raised):
        error = error.error
    if isinstance(error, MemoryError):
        return "It took more memory than it may."
    if isinstance(error, SystemExit):
        return f"It left Python before it gave gradients: {in_one_line(error, file)}."
    if isinstance(error, Unloadable):
        return str(error)
    return f"It raised an exception. {in_one_line(error, file)}"


def _write(path: Path, data: Any) -> None:
    """Whole or not at all: who reads it may come at any time."""
    building = path.with_suffix(".building")
    building.write_text(json.dumps(data), "utf-8")
    building.replace(path)


if __name__ == "__main__":
    run(Order(**json.loads(Path(sys.argv[1]).read_text("utf-8"))))
    os._exit(0)  # neither its threads nor what it wants to do at the end is waited for
