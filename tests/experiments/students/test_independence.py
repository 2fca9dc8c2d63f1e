"""Students share nothing with the engine that judges them: descriptions and names, but no derivation."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import experiments.students

FOLDER = Path(experiments.students.__file__).parent
DESCRIPTIONS = {
    *("LOSSES", "MLP", "Array", "Dense", "Dropout", "Evaluation", "Loss", "Problem", "gradient_node"),
    *("Arrays", "as_loss", "draw_data", "generator"),
}
"""What may be taken from manual_mlp: what a network is called and made of, and no equation, slope or gradient."""


def taken(source: str) -> set[str]:
    """Names that come from our own packages, other than from the students' folder."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not (node.module or "").startswith("experiments.students."):
            ours = node.module in ("manual_mlp", "manual_mlp.extend")
            found |= {alias.name if ours else f"{node.module}.{alias.name}" for alias in node.names}
    return {
        name
        for name in found
        if name.split(".")[0]
        not in {"__future__", "collections", "dataclasses", "math", "numpy", "typing", "itertools", "functools"}
    }


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda path: path.name)
def test_a_student_takes_descriptions_alone(path: Path) -> None:
    assert taken(path.read_text("utf-8")) <= DESCRIPTIONS


@pytest.mark.parametrize(
    "line",
    [
        "from manual_mlp import evaluation_of",
        "from manual_mlp.extend import evaluate",
        "def f():\n    from manual_mlp.equations.losses import EPSILON",
        "import manual_mlp",
        "from gradient_diff import compare",
        "import keras_mlp",
    ],
)
def test_anything_else_would_be_seen(line: str) -> None:
    assert not taken(line) <= DESCRIPTIONS
