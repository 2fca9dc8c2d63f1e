"""A small network evaluated once, ways to plant errors in a copy of it, and what tracing would say of code."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import Code, Finding, GradientDiff, compare
from gradient_diff.result.code import Caller
from manual_mlp import MLP, Dense, Evaluation


@pytest.fixture(scope="session")
def evaluation() -> Evaluation:
    mlp = MLP(3, [Dense(5, "tanh"), Dense(2)])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(7, 3)), rng.normal(size=(7, 2))
    return mlp.backpropagate(mlp.initialize(0), x, y, "mean_squared_error")


@pytest.fixture
def planted(evaluation: Evaluation) -> Callable[..., Evaluation]:
    """A copy as if the tape had computed it, with the nodes named replaced, or left out where None."""

    def plant(changes: dict[str, object] | None = None) -> Evaluation:
        nodes = evaluation.nodes | (changes or {})
        kept = {name: np.asarray(array) for name, array in nodes.items() if array is not None}
        return dataclasses.replace(evaluation, nodes=kept, origin="keras eager")

    return plant


SOURCE = """\
def gradients(parameters, x, y):
    W1, b1 = parameters["dense_1/kernel"], parameters["dense_1/bias"]
    W2, b2 = parameters["dense_2/kernel"], parameters["dense_2/bias"]
    z1 = np.tanh(x @ W1 + b1)
    z2 = z1 @ W2 + b2
    d2 = 2 * (z2 - y) / y.size
    dz1 = d2 @ W2.T
    d1 = dz1 * z1 * (1 - z1)
    return {"dense_1/kernel": x.T @ d1, "dense_1/bias": d1.sum(axis=0), "dense_2/kernel": z1.T @ d2}
"""
LINES = dict(enumerate(SOURCE.splitlines(), 26))
LISTING = {
    29: "z of dense_1",
    30: "z of dense_2",
    31: "δ of dense_2",
    32: "dE/dz of dense_1",
    34: "dE/dW of dense_1, dE/db of dense_1, dE/dW of dense_2",
}
FIX = """\
--- net.py
+++ net.py
@@ -33 +33 @@
-    d1 = dz1 * z1 * (1 - z1)
+    d1 = dz1 * (1 - z1**2)
"""
WORST = Finding(
    "/users/ann/net.py",
    33,
    (33, 33, 9, 28),
    "gradients",
    (Caller("/users/ann/train.py", 12, "train", "gradients(parameters, x, y)"),),
    "dz1 * z1 * (1 - z1)",
    "dense_1/dE_du",
    (("dz1", "dE/dz of dense_1"), ("z1", "z of dense_1")),
    "`dz1 * z1 * (1 - z1)` should be δ of dense_1, δ = dE/dz ⊙ (1 − z²).",
    ("dense_1/kernel", "dense_1/bias"),
    FIX,
    "tried on this and a second problem: every gradient matches",
)
SECOND = Finding(
    "/users/ann/net.py",
    31,
    (31, 31, 9, 21),
    "gradients",
    (),
    "2 * (z2 - y)",
    "dense_2/dE_du",
    (("z2", "z of dense_2"), ("y", "y_true")),
    "",
    ("dense_2/kernel",),
)
ONE = Code((WORST,), LISTING, LINES, "/users/ann/net.py")
TWO = dataclasses.replace(ONE, findings=(WORST, SECOND))
RIGHT = dataclasses.replace(ONE, findings=(), listing=LISTING | {33: "δ of dense_1"})
SILENT = Code(silent="no Python source is known of it")
WIDE = dataclasses.replace(
    ONE,
    findings=(dataclasses.replace(WORST, span=(33, 33, 13, 24), text="dz1 * z1 * "),),
    lines=LINES | {32: "\t平均 = δ2 @ W2.T", 33: "\t平均, δ1 = 0, dz1 * z1 * (1 - z1)  # 誤差"},
)
"""Tabs, wide characters and Greek before the span, which begins at column 13."""
SPREAD = dataclasses.replace(
    ONE,
    findings=(dataclasses.replace(WORST, span=(33, 34, 9, 16), text="(dz1 *\n\t\tz1 * (1 - z1))"),),
    lines=LINES | {33: "    d1 = (dz1 *", 34: "\t\tz1 * (1 - z1))"},
)
"""An expression over two lines, the second behind tabs."""
LONG = dataclasses.replace(
    ONE,
    findings=(dataclasses.replace(WORST, span=(33, 33, 406, 425)),),
    lines=LINES | {33: f"    {'+'.join(['x'] * 200)} + dz1 * z1 * (1 - z1) + {'+'.join(['y'] * 200)}"},
)
NO_LINES = dataclasses.replace(ONE, findings=(dataclasses.replace(WORST, file="/users/ann/other.py"),))
"""A finding in a file of which no line is known."""
EVIL_TEXT = "</code><script>alert('x')</script>\x1b[31m[red]`|*\u202e```"
EVIL = Code(
    (
        dataclasses.replace(
            WORST,
            file=f"/{EVIL_TEXT}",
            text=EVIL_TEXT,
            function=EVIL_TEXT,
            callers=(Caller(EVIL_TEXT, 1, EVIL_TEXT, EVIL_TEXT),),
            operands=((EVIL_TEXT, EVIL_TEXT),),
            message=EVIL_TEXT,
            node=EVIL_TEXT,
            healed=(EVIL_TEXT,),
            fix=f"-{EVIL_TEXT}\n+{EVIL_TEXT}\n ```\n",
            tried=EVIL_TEXT,
        ),
    ),
    {33: EVIL_TEXT},
    {33: f"         {EVIL_TEXT}", 40: EVIL_TEXT},
    f"/{EVIL_TEXT}",
)
CODES = {
    "one": ONE,
    "two": TWO,
    "right": RIGHT,
    "silent": SILENT,
    "nothing": Code(),
    "wide": WIDE,
    "spread": SPREAD,
    "long": LONG,
    "no lines": NO_LINES,
    "evil": EVIL,
}


@pytest.fixture(params=CODES)
def any_code(request: pytest.FixtureRequest) -> Code:
    return CODES[request.param]


@pytest.fixture
def codes() -> dict[str, Code]:
    """All of them by name."""
    return CODES


@pytest.fixture(scope="session")
def two_rows_off(evaluation: Evaluation) -> GradientDiff:
    """Two gradients that no known mistake explains."""
    given = dict(evaluation.gradients)
    given["dense_1/kernel"] = given["dense_1/kernel"] * 1.3 + 0.1
    given["dense_1/bias"] = given["dense_1/bias"] * 1.7 - 0.2
    return compare(given, evaluation)


@pytest.fixture
def wrong(two_rows_off: GradientDiff) -> Callable[[Code], GradientDiff]:
    """The same, as if code had been handed over and traced."""
    return lambda code: dataclasses.replace(two_rows_off, code=code)
