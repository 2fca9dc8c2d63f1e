"""What was found, as a compiler says it: the place in characters, the operands, the message; what each line is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.result.code import Code, Finding
from gradient_diff.source.guilt import find_guilty
from gradient_diff.source.mending import fixes
from gradient_diff.source.telling import code_of, listing
from gradient_diff.source.tracing import second_problems
from gradient_diff.source.trial import Trial

Tried = Callable[..., Trial]


def told(trial: Trial) -> Code:
    found = find_guilty(trial)
    return code_of(trial, found, fixes(trial, found, second_problems(trial)))


def finding(trial: Trial) -> Finding:
    (found,) = told(trial).findings
    return found


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("d2 @ W2.T * slope(z1)", "d2 @ W2.T"),
            "`d2 @ W2.T` is dE/dz of dense_1; it should be δ of dense_1, δ = dE/dz ⊙ z(1 − z).",
        ),
        (
            ("d1.sum(axis=0)", "d1.mean(axis=0)"),
            "`d1.mean(axis=0)` is 1/N times dE/db of dense_1; it should be dE/db of dense_1, dE/db = Σ_N δ.",
        ),
        (("(z2 - y)", "(y - z2)"), "`y - z2` is minus z − y of dense_2; it should be z − y of dense_2."),
        (("s(x @ W1 + b1)", "s(x @ W1)"), "`x @ W1` is z_prev W of dense_1; it should be u of dense_1, u = x W + b."),
        (("z1.T @ d2", "z2.T @ d2"), "`z2.T @ d2` should be dE/dW of dense_2, dE/dW = z_prevᵀ δ."),
        (
            ("2 * (z2 - y) / y.size", "2 * (z2 - y) * y.size"),
            "`2 * (z2 - y) * y.size` should be dE/dz of dense_2, dE/dz = 2/(N·K) (z − y).",
        ),
    ],
)
def test_the_message(tried: Tried, matrices: str, change: tuple[str, str], message: str) -> None:
    assert finding(tried(matrices, change)).message == message


def test_the_message_of_an_argument(tried: Tried, matrices: str) -> None:
    text = matrices.replace("z1 = s(x @ W1 + b1)", "u1 = x @ W1 + b1\n    z1 = s(u1)")
    found = finding(tried(text, ("slope(z1)", "slope(u1)")))
    assert found.message == "In `slope(u1)` the argument `z` should be z of dense_1."


def test_the_place_and_what_goes_in(tried: Tried, matrices: str) -> None:
    found = finding(tried(matrices, ("d2 @ W2.T * slope(z1)", "d2 @ W2.T")))
    assert (found.place, found.span, found.function) == ("mine.py:19", (19, 19, 9, 18), "gradients")
    assert found.operands == (("d2", "dE/dz of dense_2"), ("W2.T", "W of dense_2, transposed"))
    assert (found.text, found.node, found.callers) == ("d2 @ W2.T", "dense_1/dE_du", ())
    assert found.healed == ("dense_1/kernel", "dense_1/bias")


def test_what_goes_in_may_be_unknown(tried: Tried, matrices: str) -> None:
    change = (
        "    dW2 = z1.T @ d2\n",
        "    strange = np.arange(z1.size).reshape(z1.shape) / 7.0\n    dW2 = strange.T @ d2\n",
    )
    found = finding(tried(matrices, change))
    assert found.operands == (("strange.T", "unknown"), ("d2", "dE/dz of dense_2"))


def test_columns_are_characters(tried: Tried, matrices: str) -> None:
    """Python counts bytes: δ has two."""
    text = matrices.replace("d2", "δ2").replace("δ2 @ W2.T * slope(z1)", "slope(z1) * (δ2 @ W2.T)")
    found = finding(tried(text, ("db2 = δ2.sum(axis=0)", "db2 = δ2.mean(axis=0)")))
    assert found.text == "δ2.mean(axis=0)"
    assert found.span == (18, 18, 10, 25)


def test_an_expression_over_lines(tried: Tried, matrices: str) -> None:
    change = ("d1 = d2 @ W2.T * slope(z1)", "d1 = (\n        d2\n        @ W2.T\n    )")
    code = told(tried(matrices, change))
    (found,) = code.findings
    assert found.text == "d2\n        @ W2.T"
    assert found.span == (20, 21, 8, 14)
    assert found.message.startswith("`d2 …` is dE/dz of dense_1")
    assert "-        d2\n-        @ W2.T\n+        (d2 @ W2.T) * z1 * (1 - z1)\n     )\n" in found.fix


def test_the_calls_above_it(tried: Tried, matrices: str) -> None:
    found = finding(tried(matrices, ("return z * (1 - z)", "return z * (1 + z)")))
    assert (found.function, found.line) == ("slope", 9)
    (caller,) = found.callers
    assert (caller.place, caller.function, caller.text) == ("mine.py:19", "gradients", "slope(z1)")


def test_what_a_fix_was_run_on(tried: Tried, matrices: str) -> None:
    found = finding(tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)")))
    assert found.fix.startswith("--- a/mine.py\n+++ b/mine.py\n@@")
    assert found.tried == (
        "run on 4-3-2 with batch 5 and on other weights, data and batch, and other widths: every gradient matches"
    )


def test_without_a_fix_nothing_was_tried(tried: Tried, matrices: str) -> None:
    trial = tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"))
    (found,) = code_of(trial, find_guilty(trial), ()).findings
    assert (found.fix, found.tried) == ("", "")


def test_two_findings(tried: Tried, matrices: str) -> None:
    code = told(tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"), ("z1.T @ d2", "(x @ W1 + b1).T @ d2")))
    assert sorted(f.line for f in code.findings) == [17, 21]
    assert all(f.fix for f in code.findings)
    assert code.silent == ""


def test_the_listing(tried: Tried, matrices: str) -> None:
    named, lines, file = listing(tried(matrices))
    assert file.endswith("mine.py")
    said = {
        9: "1 − z of dense_1; f′ of dense_1",
        14: "z_prev W of dense_1; u of dense_1",
        15: "z_prev W of dense_2; u of dense_2",
        17: "z of dense_1, transposed; dE/dW of dense_2",
        18: "dE/db of dense_2",
        20: "x, transposed; dE/dW of dense_1",
        21: "dE/db of dense_1",
    }
    assert {n: named[n] for n in said} == said
    assert named[19].endswith("δ of dense_1")
    assert list(lines) == [4, 5, 8, 9, *range(12, 23)]
    assert lines[19] == "    d1 = d2 @ W2.T * slope(z1)"


LOOP = """import numpy as np


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    out = [np.zeros(a.shape) for a in p.values()]
    for one, target in zip(x, y):
        z1 = 1 / (1 + np.exp(-(one @ W1 + b1)))
        d2 = 2 * (z1 @ W2 + b2 - target) / y.size
        d1 = W2 @ d2 * z1 * (1 - z1)
        out[0] += np.outer(one, d1)
        out[1] += d1
        out[2] += np.outer(z1, d2)
        out[3] += d2
    return dict(zip(p, out))
"""


def test_the_listing_of_a_loop_says_each_thing_once(tried: Tried) -> None:
    named, _, _ = listing(tried(LOOP))
    assert "δ of dense_1, sample by sample" in named[10]
    for said in named.values():
        parts = said.split("; ")
        assert len(parts) == len(set(parts)) <= 3
        assert said.count("sample 0") <= 1  # the first of the running sum


def test_code_that_raises_has_no_listing(tried: Tried) -> None:
    named, lines, _ = listing(tried("def gradients(p, x, y):\n    raise RuntimeError\n"))
    assert (named, lines) == ({}, {})


def test_code_that_does_nothing_known(tried: Tried) -> None:
    text = "import numpy as np\n\n\ndef gradients(p, x, y):\n    return {n: np.cos(7 * a) for n, a in p.items()}\n"
    named, lines, _ = listing(tried(text))
    assert named == {}
    assert lines[5].startswith("    return")


def test_what_was_found_is_taken_out_for_the_listing(tried: Tried, matrices: str) -> None:
    """It says what the lines are, not what they should be."""
    trial = tried(matrices, ("d1.sum(axis=0)", "d1.mean(axis=0)"))
    code: Any = told(trial)
    assert code.listing[21] == "1/N times dE/db of dense_1"
    assert trial.fixed == {}
    assert np.isfinite(trial.problem.x).all()
