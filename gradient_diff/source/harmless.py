"""Which of the user's functions may be called with numbers of ours: those that compute and do nothing else.

A file has functions of one argument that train, save or delete. What may stand for an expression is found by trying,
so only what is seen in its source to change nothing is tried.
"""

from __future__ import annotations

import ast
import builtins
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from gradient_diff.source.text import Source

_MODULES = frozenset({"numpy", "math", "cmath", "scipy.special"})
_CHANGING = frozenset(
    {
        *("copyto", "put", "place", "putmask", "fill_diagonal", "put_along_axis", "shares_memory"),
        *("save", "savez", "savez_compressed", "savetxt", "load", "loadtxt", "genfromtxt", "fromfile", "memmap"),
        *("seterr", "seterrcall", "setbufsize", "set_printoptions", "nditer", "apply_along_axis", "vectorize"),
    }
)
"""Of NumPy, what writes into its arguments, into files or into NumPy itself, or calls what it is given."""
_BUILTINS = frozenset(
    {"abs", "all", "any", "bool", "enumerate", "float", "int", "isinstance", "len", "list", "max", "min", "pow"}
    | {"range", "reversed", "round", "sorted", "sum", "tuple", "zip"}
)
_METHODS = frozenset(
    {"all", "any", "argmax", "argmin", "astype", "clip", "conj", "copy", "cumsum", "diagonal", "dot", "flatten"}
    | {"max", "mean", "min", "prod", "ravel", "repeat", "reshape", "round", "squeeze", "std", "sum", "swapaxes"}
    | {"tolist", "trace", "transpose", "var"}
)
"""Of arrays, those that leave the array as it is."""
_POSITIONAL = {"nan_to_num": 1, "clip": 3, "where": 3, "einsum": 9, "linspace": 3, "tensordot": 3}
"""How many arguments without a name a function of NumPy's takes before one that it writes into; 2 of most."""
_OF_METHODS = {"reshape": 9, "transpose": 9, "swapaxes": 2, "repeat": 2, "clip": 2}
"""The same of an array's methods; 1 of most."""
_MAKING = frozenset({"array", "copy", "empty", "empty_like", "full", "full_like", "ones", "ones_like", "where"}) | {
    "astype",
    "zeros",
    "zeros_like",
}
"""What gives an array that nobody else holds: a function may write into it."""
_STATEMENTS = (ast.Return, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.If, ast.For, ast.Expr, ast.Pass, ast.Raise)
_EFFECTS = (ast.Await, ast.Yield, ast.YieldFrom, ast.Delete, ast.Global, ast.Nonlocal, ast.Lambda)


def is_harmless(function: FunctionType, above: frozenset[FunctionType] = frozenset()) -> bool:
    """Whether its source shows that it only computes; what it calls of the user's own must do so, too."""
    node = _definition(function)
    if node is None or function in above:
        return False
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    parts = [part for statement in body for part in ast.walk(statement)]
    if any(isinstance(p, _EFFECTS) or (isinstance(p, ast.stmt) and not isinstance(p, _STATEMENTS)) for p in parts):
        return False
    made = _made(parts)
    calls = [p for p in parts if isinstance(p, ast.Call)]
    return all(_is_written_in(t, made) for t in _targets(parts)) and all(
        _may_be_called(c, function, above | {function}) for c in calls
    )


def _definition(function: FunctionType) -> ast.FunctionDef | ast.Lambda | None:
    """Where the source says it; None where that is not known, or is not plain."""
    source, code = Source.of(function.__code__), function.__code__
    kind = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    nodes = [n for n in ast.walk(source.tree) if isinstance(n, kind)] if source is not None else []
    found = [n for n in nodes if n.lineno == code.co_firstlineno and getattr(n, "name", "<lambda>") == code.co_name]
    return found[0] if len(found) == 1 else None  # a decorated one begins at its decorator


def _made(parts: list[ast.AST]) -> set[str]:
    """The names that stand for nothing but new arrays and numbers."""
    bound: dict[str, list[bool]] = {}
    for part in parts:
        if isinstance(part, ast.Assign):
            for target in part.targets:
                for name in ast.walk(target):
                    if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store):
                        bound.setdefault(name.id, []).append(target is name and _is_new(part.value))
    return {name for name, new in bound.items() if all(new)}


def _is_new(value: ast.expr) -> bool:
    if isinstance(value, ast.Call):
        called = value.func.attr if isinstance(value.func, ast.Attribute) else getattr(value.func, "id", "")
        return called in _MAKING and not value.keywords
    return isinstance(value, ast.BinOp | ast.UnaryOp | ast.Compare | ast.Constant)


def _targets(parts: list[ast.AST]) -> list[ast.expr]:
    """What is written into: not what a plain name is bound to."""
    stored = [p for p in parts if isinstance(p, ast.Subscript | ast.Attribute) and isinstance(p.ctx, ast.Store)]
    return [*stored, *(p.target for p in parts if isinstance(p, ast.AugAssign))]


def _is_written_in(target: ast.expr, made: set[str]) -> bool:
    """Whether it is an array of the function's own."""
    held = target.value if isinstance(target, ast.Subscript) else target
    return isinstance(held, ast.Name) and held.id in made


def _may_be_called(call: ast.Call, function: FunctionType, above: frozenset[FunctionType]) -> bool:
    if any(k.arg in ("out", "copy", None) for k in call.keywords):
        return False
    known, called = _names(function), call.func
    if isinstance(called, ast.Name):
        value = known.get(called.id, getattr(builtins, called.id, None))
        return _is_computing(called.id, value, above) and len(call.args) <= _most(called.id, value)
    if not isinstance(called, ast.Attribute):
        return False
    owner = called.value
    holder = known.get(owner.id) if isinstance(owner, ast.Name) else None
    if isinstance(holder, ModuleType):
        value = getattr(holder, called.attr, None)
        fits = len(call.args) <= _most(called.attr, value)
        return holder.__name__ in _MODULES and called.attr not in _CHANGING and fits
    return called.attr in _METHODS and len(call.args) <= _OF_METHODS.get(called.attr, 1)


def _most(name: str, value: Any) -> float:
    """So many arguments without a name; more of NumPy's are written into, of Python's own none is."""
    if isinstance(value, np.ufunc):
        return value.nin
    home = str(getattr(value, "__module__", "")).partition(".")[0]
    return _POSITIONAL.get(name, 2) if home == "numpy" else np.inf


def _is_computing(name: str, value: Any, above: frozenset[FunctionType]) -> bool:
    if isinstance(value, FunctionType) and not str(value.__module__).startswith("numpy"):
        return is_harmless(value, above)
    if isinstance(value, np.ufunc) or (isinstance(value, type) and issubclass(value, Exception)):
        return True
    home = str(getattr(value, "__module__", "")).partition(".")[0]
    return (home in {"numpy", "math"} and name not in _CHANGING) or (home == "builtins" and name in _BUILTINS)


def _names(function: FunctionType) -> dict[str, Any]:
    """What its free names stand for."""
    cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
    held = {name: cell.cell_contents for name, cell in cells if _is_full(cell)}
    return {**function.__globals__, **held}


def _is_full(cell: Any) -> bool:
    try:
        cell.cell_contents  # noqa: B018  # it raises where nothing is in it
    except ValueError:
        return False
    return True
