"""A penalty that is missing or wrong: its line, and a change in the words that the code has for λ and for N."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff import GradientDiff, compare
from gradient_diff.source.frames import Own
from gradient_diff.source.penalised import spelled_penalty
from manual_mlp import MLP, Dense
from manual_mlp.extend import Penalty

ROWS = """\
import numpy as np

LAM = 0.03


def gradients(w, x, y):
    w1, b1, w2, b2 = (w[n] for n in ("dense_1/kernel", "dense_1/bias", "dense_2/kernel", "dense_2/bias"))
    a = np.tanh(x @ w1 + b1)
    o = a @ w2 + b2
    d2 = 2 * (o - y) / y.size
    dw2 = a.T @ d2 + LAM * np.sign(w2)
    db2 = d2.sum(axis=0) + LAM * np.sign(b2)
    d1 = (d2 @ w2.T + 2 * LAM * a / len(x)) * (1 - a * a)
    dw1 = x.T @ d1 + 2 * LAM * w1
    db1 = d1.sum(axis=0)
    return {"dense_1/kernel": dw1, "dense_1/bias": db1, "dense_2/kernel": dw2, "dense_2/bias": db2}
"""
COLUMNS = """\
import numpy as np

LAM = 0.03


def gradients(w, x, y):
    W1, W2 = w["dense_1/kernel"].T, w["dense_2/kernel"].T
    b1, b2 = w["dense_1/bias"][:, None], w["dense_2/bias"][:, None]
    X, Y = x.T, y.T
    a = np.tanh(W1 @ X + b1)
    o = W2 @ a + b2
    d2 = 2 * (o - Y) / Y.size
    dW2 = d2 @ a.T + LAM * np.sign(W2)
    db2 = d2.sum(axis=1) + LAM * np.sign(b2[:, 0])
    d1 = (W2.T @ d2 + 2 * LAM * a / X.shape[1]) * (1 - a * a)
    dW1 = d1 @ X.T + 2 * LAM * W1
    db1 = d1.sum(axis=1)
    return {"dense_1/kernel": dW1.T, "dense_1/bias": db1, "dense_2/kernel": dW2.T, "dense_2/bias": db2}
"""
NET = MLP(3, [Dense(5, "tanh", kernel_l2=0.03, activity_l2=0.03), Dense(2, kernel_l1=0.03, bias_l1=0.03)])


def _checked(tmp_path: Path, text: str) -> GradientDiff:
    file = tmp_path / "mine.py"
    file.write_text(text)
    spec = importlib.util.spec_from_file_location("mine", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    rng = np.random.default_rng(0)
    w = NET.initialize(rng, "glorot_normal", "normal(0.3)")
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    return compare(module.gradients, NET.backpropagate(w, x, y, "mse"))


@pytest.mark.parametrize("text", [ROWS, COLUMNS])
def test_right_code_is_right(tmp_path: Path, text: str) -> None:
    assert _checked(tmp_path, text).ok


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize(
    ("text", "right", "wrong", "fix"),
    [
        (ROWS, " + 2 * LAM * w1", "", "dw1 = x.T @ d1 + 2 * LAM * w1"),
        (ROWS, "2 * LAM * w1", "LAM * w1", "dw1 = x.T @ d1 + 2 * LAM * w1"),
        (ROWS, "+ 2 * LAM * w1", "- 2 * LAM * w1", "dw1 = x.T @ d1 + 2 * LAM * w1"),
        (ROWS, "2 * LAM * w1", "2 * LAM * np.sign(w1)", "dw1 = x.T @ d1 + 2 * LAM * w1"),
        (ROWS, " + LAM * np.sign(w2)", "", "dw2 = a.T @ d2 + LAM * np.sign(w2)"),
        (ROWS, "LAM * np.sign(w2)", "LAM * w2", "dw2 = a.T @ d2 + LAM * np.sign(w2)"),
        (ROWS, "LAM * np.sign(w2)", "LAM * np.abs(w2)", "dw2 = a.T @ d2 + LAM * np.sign(w2)"),
        (ROWS, " + LAM * np.sign(b2)", "", "db2 = d2.sum(axis=0) + LAM * np.sign(b2)"),
        (ROWS, "2 * LAM * a / len(x)", "2 * LAM * a", "d1 = (d2 @ w2.T + 2 * LAM / len(y) * a) * (1 - a * a)"),
        (
            ROWS,
            "(d2 @ w2.T + 2 * LAM * a / len(x)) * (1 - a * a)",
            "d2 @ w2.T * (1 - a * a) + 2 * LAM * a / len(x)",
            "d1 = (d2 @ w2.T + 2 * LAM / len(y) * a) * (1 - a * a)",
        ),
        (COLUMNS, " + 2 * LAM * W1", "", "dW1 = d1 @ X.T + 2 * LAM * W1"),
        (COLUMNS, "LAM * np.sign(W2)", "LAM * W2", "dW2 = d2 @ a.T + LAM * np.sign(W2)"),
        (COLUMNS, " / X.shape[1]", "", "d1 = (W2.T @ d2 + 2 * LAM / len(x) * a) * (1 - a * a)"),
    ],
)
def test_a_penalty_is_mended_in_the_user_s_words(tmp_path: Path, text: str, right: str, wrong: str, fix: str) -> None:
    assert text.count(right) == 1
    diff = _checked(tmp_path, text.replace(right, wrong))
    assert diff.code is not None
    (found,) = diff.code.findings
    lines = text.replace(right, wrong).splitlines()
    assert lines[found.line - 1] != text.splitlines()[found.line - 1]
    written = [line[1:].strip() for line in found.fix.splitlines() if line[:1] == "+" and line[:2] != "++"]
    assert written == [fix]


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ({}, "0.06 * W"),
        ({"lam": 0.03}, "2 * lam * W"),
        ({"decay": 0.06, "lam": 0.03}, "decay * W"),
        ({"lam": 0.04}, "0.06 * W"),
    ],
)
def test_a_number_of_the_user_s_stands_for_lambda(numbers: dict[str, float], text: str) -> None:
    own = [Own(name, np.asarray(value), None) for name, value in numbers.items()]
    unused: Any = None
    assert list(spelled_penalty(Penalty(l2=0.03), ["W"], own, unused)) == [text]
