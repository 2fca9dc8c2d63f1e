"""A user's frame, looked into while it runs: his own expressions, and what each is."""

from __future__ import annotations

import ast
import itertools
from dataclasses import dataclass
from functools import cached_property
from types import FrameType, FunctionType
from typing import Any

import numpy as np

from gradient_diff.source.forms import Recognised
from gradient_diff.source.harmless import is_harmless
from gradient_diff.source.known import Known
from gradient_diff.source.recorded import plain
from gradient_diff.source.text import Source, compiled
from manual_mlp import Array

MOST_EXPRESSIONS = 200
MOST_FUNCTIONS = 6
MOST_KEYS = 24


@dataclass(frozen=True, eq=False)
class Own:
    """An expression of the user's, its value in the frame, and what that is."""

    text: str
    value: Array
    name: Recognised | None


_ARRAYS = (np.ndarray, np.generic, int, float, list, tuple)


class Scope:
    """The names of one frame; what it evaluates are plain copies, and nothing of the user's is changed."""

    def __init__(self, frame: FrameType, source: Source, known: Known) -> None:
        self._globals, self._locals = frame.f_globals, dict(frame.f_locals)
        self._source, self._known = source, known

    def value(self, text: str) -> Any:
        """An expression's value; raises whatever it raises."""
        with np.errstate(all="ignore"):
            code = compiled(text, "<expression>", "eval")
            found = plain(eval(code, self._globals, self._locals))  # the user's own code, in his own frame
        return np.array(found) if isinstance(found, np.ndarray) else found

    def array(self, text: str) -> Array | None:
        """The same where it is an array or a number, else None."""
        try:
            value = self.value(text)
            if not isinstance(value, _ARRAYS):
                return None  # NumPy would ask any object with items for all of them: np.c_ has endless many
            array = np.asarray(value)
        except Exception:  # noqa: BLE001  # what is not yet there, or no expression here
            return None
        return array if array.dtype.kind in "fiub" else None

    def expressions(self, root: ast.AST) -> list[Own]:
        """The names, attributes and items that the user wrote below a node, and their transposes."""
        found: dict[str, Own] = {}
        for node in ast.walk(root):
            if isinstance(node, ast.Name | ast.Attribute | ast.Subscript) and len(found) < MOST_EXPRESSIONS:
                text = ast.unparse(node)
                if text not in found and not _calls(node) and (array := self.array(text)) is not None:
                    found[text] = Own(text, array, self._known.recognise(array))
        for text in (*self._in_lists(root), *self._in_dicts(root)):
            if text not in found and (array := self.array(text)) is not None:
                found[text] = Own(text, array, self._known.recognise(array))
        for name, value in self._locals.items():
            if name.isidentifier() and name not in found and isinstance(value, np.ndarray | float):
                array = np.asarray(plain(value))
                found[name] = Own(name, array, self._known.recognise(array))
        return list(found.values())

    def _in_lists(self, root: ast.AST) -> list[str]:
        """Items of the lists that he keeps, by the indices that he writes."""
        names = {ast.unparse(n) for n in ast.walk(self._source.tree) if isinstance(n, ast.Name | ast.Attribute)}
        subscripts = [n for n in ast.walk(root) if isinstance(n, ast.Subscript)]
        indices = {ast.unparse(n.slice) for n in subscripts if not isinstance(n.slice, ast.Slice | ast.Tuple)}
        near = {f"{i} {more}" for i in indices if i.isidentifier() for more in ("+ 1", "- 1")}
        lists = [n for n in sorted(names)[:MOST_EXPRESSIONS] if self._is_list(n)]
        return [f"{name}[{i}]" for name in lists for i in sorted(indices | near)][:MOST_EXPRESSIONS]

    def _in_dicts(self, root: ast.AST) -> list[str]:
        """Items of the dicts of arrays that he reads there, by all of their keys."""
        read = {ast.unparse(n.value) for n in ast.walk(root) if isinstance(n, ast.Subscript) and not _calls(n)}
        found = [(name, self._looked_up(name)) for name in sorted(read)]
        dicts = [(name, value) for name, value in found if isinstance(value, dict) and len(value) <= MOST_KEYS]
        return [f"{name}[{key!r}]" for name, value in dicts for key in value if isinstance(key, str)]

    def _is_list(self, text: str) -> bool:
        value = self._looked_up(text)
        return isinstance(value, list | tuple) and any(isinstance(v, np.ndarray) for v in value)

    def _looked_up(self, text: str) -> Any:
        try:
            return eval(compile(text, "<expression>", "eval"), self._globals, self._locals)
        except Exception:  # noqa: BLE001  # a name of another function
            return None

    @cached_property
    def functions(self) -> list[str]:
        """The user's own functions of one argument that only compute."""
        named = {**self._globals, **self._locals}.items()
        own = [(n, f) for n, f in named if isinstance(f, FunctionType) and f.__code__.co_filename == self._source.file]
        of_one = [(n, f) for n, f in own if f.__code__.co_argcount == 1 and not f.__code__.co_kwonlyargcount]
        return list(itertools.islice((n for n, f in of_one if is_harmless(f)), MOST_FUNCTIONS))

    def parts_of(self, node: ast.expr) -> list[Own]:
        """What an expression is made of, where that is something known."""
        found = []
        for part in ast.walk(node):
            if isinstance(part, ast.BinOp | ast.Call) and part is not node:
                text = f"({ast.unparse(part)})" if isinstance(part, ast.BinOp) else ast.unparse(part)
                array = self.array(text)
                name = None if array is None else self._known.recognise(array)
                if array is not None and name is not None:
                    found.append(Own(text, array, name))
        return found


def _calls(node: ast.AST) -> bool:
    """What runs code is not evaluated for its own sake."""
    return any(isinstance(n, ast.Call | ast.Await | ast.Yield | ast.NamedExpr) for n in ast.walk(node))
