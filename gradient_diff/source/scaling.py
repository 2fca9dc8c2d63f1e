"""An expression that is off by a constant: the same times a sign, a 2 or a size, spelled by what the user has."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence

import numpy as np

from gradient_diff.source.frames import Own
from gradient_diff.source.known import Known
from gradient_diff.source.proposals import Wanted


def scaled(node: ast.expr, wanted: Wanted, own: Sequence[Own], known: Known) -> Iterator[tuple[int, str]]:
    """(cost, the same times a constant): a sign, 2, or a size, spelled by what it is."""
    ratio = _ratio(wanted)
    if ratio is None:
        return
    if np.isclose(ratio, -1):
        yield from _turned(node)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div):
        yield 1, ast.unparse(node.left)
        if isinstance(node.op, ast.Mult):
            yield 1, ast.unparse(node.right)
    whole, times = _as_factor(node)
    if np.isclose(ratio, -1):
        yield 2, f"-{whole}"
    for factor, words in (*_bysizes(whole, times, own, known), *_by_numbers(whole, times)):
        if np.isclose(ratio, factor):
            yield 2, words


def _turned(node: ast.expr) -> Iterator[tuple[int, str]]:
    """The other sign without a minus before it."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Sub):
        yield 1, f"{_operand(node.right)} - {_operand(node.left)}"
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        yield 1, ast.unparse(node.operand)


def _as_factor(node: ast.expr) -> tuple[str, str]:
    """As it stands behind a factor, and before one."""
    text = ast.unparse(node)
    tight = not isinstance(node, ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Compare)
    whole = text if tight else f"({text})"
    chain = isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult | ast.Div | ast.MatMult)
    return whole, text if chain else whole


def _bysizes(whole: str, times: str, own: Sequence[Own], known: Known) -> Iterator[tuple[float, str]]:
    for size, value in sizes(own, known):
        made = {1 / value: f"{times} / {size}", value: f"{size} * {whole}"}
        made |= {2 / value: f"2 * {whole} / {size}", value / 2: f"{times} * {size} / 2"}
        yield from made.items()


def _by_numbers(whole: str, times: str) -> tuple[tuple[float, str], ...]:
    return (2.0, f"2 * {whole}"), (0.5, f"{times} / 2"), (4.0, f"4 * {whole}"), (0.25, f"{times} / 4")


def _ratio(wanted: Wanted) -> float | None:
    """wanted / now, where that is one number."""
    now, value = wanted.now, wanted.value
    if now is None or now.shape != value.shape or not np.isfinite(now.astype(float)).all():
        return None
    total = float(np.square(now.astype(float)).sum())
    ratio = float((now * value).sum()) / total if total else 0.0
    return ratio if ratio and np.allclose(value, ratio * now, 1e-9, 1e-300) else None


def sizes(own: Sequence[Own], known: Known) -> Iterator[tuple[str, float]]:
    """Numbers of the user's that are N, K or N·K, and how such a one is spelled by an array of his, or of a batch."""
    n, k = known.batch, known.problem.mlp.units[-1]
    for name in own:
        if name.value.ndim == 0 and name.value.dtype.kind in "if" and float(name.value) in (n, k, n * k):
            yield name.text, float(name.value)
    for name in own:
        if name.name is not None and name.value.ndim == 2 and name.name.node in ("x", "y"):
            rows = 1 if name.name.form.how == "ᵀ" else 0
            yield (f"{name.text}.shape[1]" if rows else f"len({name.text})"), float(name.value.shape[rows])
            if name.name.node == "y":
                yield f"{name.text}.size", float(name.value.size)
                yield f"{name.text}.shape[{1 - rows}]", float(k)


def _operand(node: ast.expr) -> str:
    text = ast.unparse(node)
    return f"({text})" if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Sub) else text
