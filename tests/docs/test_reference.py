"""Every public name stands in the reference, and its docstring says what the reference is to say."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

PAGES = sorted((Path(__file__).parents[2] / "docs" / "reference").glob("*.md"))
DOORS = ("gradient_diff", "gradient_diff.keras", "keras_mlp", "manual_mlp", "manual_mlp.layers")
MADE = [
    (door, name)
    for door in DOORS
    for name in import_module(door).__all__
    if inspect.isclass(it := getattr(import_module(door), name)) or inspect.isfunction(it)
]


def shown(page: str) -> list[str]:
    """The names that a page asks mkdocstrings for."""
    return re.findall(r"^::: (\S+)$", page, re.MULTILINE)


def test_every_public_name_stands_in_the_reference_once() -> None:
    where = {"gradient_diff.ledger.building.ledger": "gradient_diff.ledger"}  # which is a folder, too
    asked = [where.get(name, name) for page in PAGES for name in shown(page.read_text("utf-8"))]
    public = [f"{door}.{name}" for door in DOORS for name in import_module(door).__all__]
    assert sorted(asked) == sorted(public)


def test_a_name_that_is_missing_would_be_seen() -> None:
    page = next(page for page in PAGES if page.stem == "gradient_diff").read_text("utf-8")
    assert "gradient_diff.compare" in shown(page)
    assert "gradient_diff.compare" not in shown(page.replace("::: gradient_diff.compare\n", ""))


@pytest.mark.parametrize(("door", "name"), MADE, ids=[f"{door}.{name}" for door, name in MADE])
def test_what_stands_there_has_an_example_that_runs_and_its_errors(door: str, name: str) -> None:
    """Examples are run as doctests; an error that its own code raises is told of."""
    it = getattr(import_module(door), name)
    assert ">>> " in (it.__doc__ or "")
    assert silent_about_errors(it) is None


def silent_about_errors(it: Any) -> str | None:
    """Its code, if that raises something and its docstring does not say so."""
    source = textwrap.dedent(inspect.getsource(it))
    (tree,) = ast.parse(source).body
    body = tree.body if isinstance(tree, ast.FunctionDef) else getattr(made_by(tree), "body", [])
    raised = any(isinstance(node, ast.Raise) and node.exc for part in body for node in ast.walk(part))
    return source if raised and "Raises:" not in (it.__doc__ or "") else None


def made_by(tree: ast.AST) -> ast.FunctionDef | None:
    """What runs when an object of a class is made."""
    named = {node.name: node for node in getattr(tree, "body", []) if isinstance(node, ast.FunctionDef)}
    return named.get("__init__") or named.get("__post_init__")


def test_an_error_that_nobody_tells_of_would_be_seen() -> None:
    assert silent_about_errors(_raises_in_silence)
    assert silent_about_errors(_Refusing)
    assert silent_about_errors(_raises_and_says_so) is None


def _raises_in_silence() -> None:
    """Nothing of it here."""
    raise ValueError("no")


class _Refusing:
    """Nothing of it here."""

    def __post_init__(self) -> None:
        raise ValueError("no")


def _raises_and_says_so() -> None:
    """It is told of.

    Raises:
        ValueError: always.
    """
    raise ValueError("no")
