"""`gradient-diff check`: code in, verdict out."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradient_diff import Code, Finding, GradientDiff, compare
from gradient_diff.cli import against
from manual_mlp import Dense, Evaluation

Call = Callable[..., tuple[int, str, str]]
Put = Callable[[str], Path]
ROOT = Path(__file__).parents[3]


@pytest.fixture
def put(tmp_path: Path, code: dict[str, str]) -> Put:
    """A file with a text, or with code by its name in `code`."""

    def write(text: str) -> Path:
        (tmp_path / "mine.py").write_text(code.get(text, text), "utf-8")
        return tmp_path / "mine.py"

    return write


@pytest.fixture
def check(call: Call, reference: Path) -> Callable[..., tuple[int, str, str]]:
    """Code, and what else is said."""

    def run(file: object, *more: object, name: str = "") -> tuple[int, str, str]:
        return call(f"{file}{name}", reference, *more, verb="check")

    return run


CODES = {
    "right": ("right", 0, "✓ MATCH"),
    "wrong": ("wrong", 1, "✗ MISMATCH"),
    "one array too few": ("empty", 1, "✗ MISSING"),
    "it raises": ("raising", 2, "UNREADABLE"),
    "it raises at once": ("1 / 0", 2, "UNREADABLE"),
    "it leaves": ("import sys; sys.exit(0)", 2, "UNREADABLE"),
    "it leaves when it is called": ("def gradients(p, x, y): exit(0)", 2, "UNREADABLE"),
    "no Python": ("def", 2, "UNREADABLE"),
    "no function": ("dW = 1", 2, "UNREADABLE"),
    "None": ("def gradients(p, x, y): p", 2, "UNREADABLE"),
    "no gradients": ("def gradients(p, x, y): return object()", 2, "UNREADABLE"),
    "other names": ("def gradients(p, x, y): return {'a': x}", 1, "✗ MISSING"),
}


@pytest.mark.parametrize("what", CODES)
def test_the_exit_code_is_the_verdict(what: str, check: Call, put: Put) -> None:
    text, code, verdict = CODES[what]
    found, shown, _ = check(put(text))
    assert (found, verdict in shown) == (code, True)


def _script_parts(reference: Path) -> tuple[str, str, str]:
    """The lines that bind x, y and the weights; f(u) and f′ of the hidden layer."""
    problem = Evaluation.load(reference).problem
    w1, b1, w2, b2 = (f"np.array({a.tolist()})" for a in problem.parameters.values())
    activation = problem.mlp.layers[0]
    assert isinstance(activation, Dense)
    forward = {"tanh": "np.tanh(u)", "sigmoid": "1 / (1 + np.exp(-u))"}[activation.activation]
    slope = {"tanh": "1 - z ** 2", "sigmoid": "z * (1 - z)"}[activation.activation]
    data = f"x = np.array({problem.x.tolist()})\ny = np.array({problem.y.tolist()})"
    return f"import numpy as np\n{data}\nW1, b1 = {w1}, {b1}\nW2, b2 = {w2}, {b2}", forward, slope


@pytest.mark.parametrize(("wrong", "ending"), [("", 0), (" / 2", 1)])
def test_a_script_is_run_as_it_is(wrong: str, ending: int, check: Call, put: Put, reference: Path) -> None:
    head, forward, slope = _script_parts(reference)
    lines = (
        head,
        f"u = x @ W1 + b1\nz = {forward}\nd2 = 2 * (z @ W2 + b2 - y) / y.size",
        f"d1 = d2 @ W2.T * ({slope})\ndW1, db1 = x.T @ d1, d1.sum(0)\ndW2, db2 = z.T @ d2{wrong}, d2.sum(0)",
    )
    file = put("\n".join(lines))
    found, shown, told = check(file)
    assert found == ending, shown
    assert "A script, run as it is: " in told
    assert "`W1` is dense_1/kernel" in told
    assert not wrong or f"{file.name}:" in shown


@pytest.mark.slow
@pytest.mark.parametrize(("wrong", "ending"), [("", 0), (" / 2", 1)])
def test_a_script_that_trains_in_mini_batches(wrong: str, ending: int, check: Call, put: Put, reference: Path) -> None:
    head, forward, slope = _script_parts(reference)
    lines = (
        f"{head}\nfor k in range(0, len(x), 2):",
        f"    xb, yb = x[k:k + 2], y[k:k + 2]\n    u = xb @ W1 + b1\n    z = {forward}",
        f"    d2 = 2 * (z @ W2 + b2 - yb) / yb.size\n    d1 = d2 @ W2.T * ({slope})",
        f"    dW1, db1 = xb.T @ d1, d1.sum(0)\n    dW2, db2 = z.T @ d2{wrong}, d2.sum(0)",
        "    W1, b1, W2, b2 = W1 - dW1, b1 - db1, W2 - dW2, b2 - db2",
    )
    file = put("\n".join(lines))
    found, shown, told = check(file)
    assert found == ending, shown
    assert "Its first step is made of samples 0 to 1 alone, on which it is checked." in told
    assert not wrong or "z.T @ d2 / 2" in shown


def test_a_mistake_is_named_as_it_is_of_arrays(check: Call, put: Put) -> None:
    _, shown, told = check(put("wrong"), name=":gradients")
    assert "1. f′ is not sigmoid′ = z(1 − z), in dense_1 (derivative_wrong)" in shown
    assert told.startswith("Checking ")
    assert ":gradients against " in told


def test_what_is_raised_is_told_by_his_frames(check: Call, put: Put) -> None:
    _, shown, told = check(put("raising"))
    assert told.count("File ") == 1
    assert f'File "{put("raising")}", line 9, in gradients return' in told
    assert "It was called as f(parameters, x, y) with parameters, a dict of 'dense_1/kernel' (4, 3)" in told
    assert "Your code raised an exception. line 9: ValueError: matmul" in " ".join(shown.split())


def test_the_standard_output_is_the_command_s_own(check: Call, put: Put, code: dict[str, str]) -> None:
    text = f"print('at import')\n{code['right'].replace('    W1,', '    print(chr(123)); W1,')}"
    ended, shown, told = check(put(text), "--format", "json")
    data = json.loads(shown)
    assert (ended, data["exit_code"], data["files"][0]["verdict"]) == (0, 0, "MATCH")
    assert "at import {" in told


def test_an_unreadable_one_is_json_too(check: Call, put: Put) -> None:
    code, shown, _ = check(put("1 / 0"), "--format", "json")
    data = json.loads(shown)
    assert (code, data["exit_code"], data["files"][0]["verdict"]) == (2, 2, "UNREADABLE")
    assert data["files"][0]["message"] == "Your code raised an exception. line 1: ZeroDivisionError: division by zero"


def test_another_name_and_what_makes_one(check: Call, put: Put, code: dict[str, str]) -> None:
    file = put(f"{code['wrong']}\nwrong = gradients\n{code['right']}\nmade = [gradients]")
    assert [check(file, name=name)[0] for name in ("", ":wrong", ":made[0]", ":gone")] == [0, 1, 0, 2]


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "no Python file": (("mine.npz", "reference.npz"), r"expected FILE\.py or FILE\.py:NAME"),
    "no expression": (("mine.py:f(", "reference.npz"), "is no expression"),
    "no reference": (("mine.py", "gone.npz"), "No such file or directory"),
    "arrays alone": (("mine.py", "plain.npz"), "holds arrays alone, and does not say on which weights and data"),
    "two references": (("mine.py", "reference.npz", "plain.npz"), r"expected REFERENCE\.npz, or MODEL\.keras and DATA"),
    "a model alone": (("mine.py", "model.keras"), r"expected REFERENCE\.npz, or MODEL\.keras and DATA"),
    "a loss": (("mine.py", "reference.npz", "--loss", "mse"), "knows its loss. Leave it out"),
    "a rate": (("mine.py", "reference.npz", "--learning-rate", "0.1"), "it is that of a training step: add --step"),
    "a layout": (("mine.py", "reference.npz", "--step", "--layout", "as given"), "found in any layout"),
    "another layout": (("mine.py", "reference.npz", "--layout", "torch"), "is not"),
    "no data": (("mine.py", "model.keras", "gone.npz"), "No such file or directory"),
    "no x": (("mine.py", "model.keras", "plain.npz"), "holds w: expected the arrays x and y"),
    "weights of a step": (("mine.py", "model.keras", "weighed.npz", "--step"), r"a step \(x, y\) knows of none"),
    "no model": (("mine.py", "gone.keras", "data.npz"), r"no such file\. Expected a model saved by Keras"),
    "a broken model": (("mine.py", "model.keras", "data.npz"), r"is not a whole \.keras archive"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_wrong_command_line_runs_no_code(
    what: str, call: Call, put: Put, reference: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put("open('it_ran', 'w')")
    np.savez(tmp_path / "plain.npz", w=np.ones(2))
    np.savez(tmp_path / "data.npz", x=np.ones((2, 3)), y=np.ones((2, 1)))
    np.savez(tmp_path / "weighed.npz", x=np.ones((2, 3)), y=np.ones((2, 1)), sample_weight=np.ones(2))
    (tmp_path / "model.keras").write_text("no zip")
    monkeypatch.chdir(tmp_path)
    arguments, told = REFUSED[what]
    code, shown, said = call(*arguments, verb="check", columns=400)
    assert (code, shown) == (4, "")
    assert re.search(told, said)
    assert not (tmp_path / "it_ran").exists()
    assert reference.exists()


def test_a_report_is_written(check: Call, put: Put, tmp_path: Path) -> None:
    assert check(put("wrong"), "--out", tmp_path / "page")[0] == 1
    page = (tmp_path / "page" / "report.html").read_text("utf-8")
    assert "mine.py against reference.npz" in page
    assert check(put("1 / 0"), "--out", tmp_path / "none")[0] == 2
    assert not (tmp_path / "none").exists()


def test_a_layout_is_undone_unless_it_is_not_to_be(check: Call, put: Put, code: dict[str, str]) -> None:
    file = put(code["right"].replace("return {", "return [*{").replace("d2.sum(0)}", "d2.sum(0)}.values()]"))
    assert check(file)[0] == 0
    assert check(file, "--layout", "as given")[0] == 2


def test_rows_that_prove_nothing_and_kinks_can_be_allowed(
    check: Call, put: Put, monkeypatch: pytest.MonkeyPatch, answer: Evaluation
) -> None:
    def vacuous(*_: object, **__: object) -> GradientDiff:
        return compare({"w": np.zeros(2)}, {"w": np.zeros(2)})

    monkeypatch.setattr(against, "compare", vacuous)
    assert [check(put("right"), *more)[0] for more in ((), ("--allow-kinks",), ("--allow-vacuous",))] == [2, 2, 0]


# its lines

FINDING = Finding("mine.py", 8, (8, 8, 9, 19), "gradients", (), "d2 @ W2.T * z", "dense_1/dE_du", (), "wrong", ())
CODE = Code(
    (FINDING,), {7: "δ of dense_2", 8: "not known"}, {7: "    d2 = 2 * (z - y)", 8: "    d1 = d2 @ W2.T"}, "mine.py"
)


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Callable[[Code | None], list[object]]:
    """A comparison that traces, as it says of the code; with what it was asked."""

    def fake(code: Code | None) -> list[object]:
        def tracing(*given: Any, trace: bool | None = None, **more: Any) -> GradientDiff:
            asked.append(trace)
            return replace(compare(*given, **more), code=code)

        asked: list[object] = []
        monkeypatch.setattr(against, "compare", tracing)
        return asked

    return fake


def test_lines_are_annotated_where_somebody_asks(
    check: Call, put: Put, traced: Callable[[Code | None], list[object]]
) -> None:
    asked = traced(CODE)
    assert "δ of dense_2" not in check(put("right"))[1].split("d2 = 2")[0]
    code, shown, _ = check(put("right"), "--annotate")
    assert (code, asked) == (0, [None, True])
    (line,) = [line for line in shown.splitlines() if "d2 = 2 * (z - y)" in line and "δ of dense_2" in line]
    assert "7" in line


def test_the_listing_spoils_no_json(check: Call, put: Put, traced: Callable[[Code | None], list[object]]) -> None:
    traced(CODE)
    assert json.loads(check(put("right"), "--annotate", "--format", "json")[1])["exit_code"] == 0


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (None, "No line is annotated: nothing of it was traced."),
        (Code(silent="another tracer is at work."), "No line is annotated: another tracer is at work."),
    ],
)
def test_why_no_line_is_annotated_is_said(
    lines: Code | None, told: str, check: Call, put: Put, traced: Callable[[Code | None], list[object]]
) -> None:
    traced(lines)
    found, _, said = check(put("right"), "--annotate")
    assert (found, told in said) == (0, True)


# a training step

NET = """
class Net:
    def __init__(self, rate): self.rate = rate
    def step(self, x, y): raise RuntimeError("stepped")
def step(x, y): pass
"""


def test_a_step_goes_to_the_check_of_steps(
    check: Call, put: Put, monkeypatch: pytest.MonkeyPatch, answer: Evaluation
) -> None:
    def stepped(step: Any, evaluation: Evaluation, *, learning_rate: float | None = None) -> GradientDiff:
        seen.append((step.__qualname__, getattr(getattr(step, "__self__", None), "rate", None), learning_rate))
        return compare(evaluation.gradients, evaluation)

    seen: list[object] = []
    module = SimpleNamespace(compare_step=stepped)
    monkeypatch.setitem(sys.modules, "gradient_diff.stepping.comparing", module)
    assert check(put(NET), "--step")[0] == 0
    assert check(put(NET), "--step", "--learning-rate", 0.1, name=":Net(3).step")[0] == 0
    assert check(put(NET), "--step", "--annotate", name=":Net(3).step")[0] == 0
    assert seen == [("step", None, None), ("Net.step", 3, 0.1), ("Net.step", 3, None)]


# as a process


def test_ctrl_c_is_no_verdict(put: Put, reference: Path) -> None:
    file = put(
        "import signal, time\nsignal.signal(2, signal.default_int_handler)\nprint('here', flush=True)\ntime.sleep(60)"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gradient_diff", "check", str(file), str(reference)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        while "here" not in run.stderr.readline():
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        out, _ = run.communicate(timeout=60)
    assert (run.returncode, out) == (130, "")


def test_sigterm_while_his_code_runs_is_no_exception_of_his(put: Put, reference: Path) -> None:
    file = put("import sys, time\nprint('here', flush=True)\ntime.sleep(60)")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "gradient_diff", "check", str(file), str(reference)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as run:
        assert run.stderr is not None
        while "here" not in run.stderr.readline():
            time.sleep(0.01)
        run.terminate()
        out, _ = run.communicate(timeout=60)
    assert (run.returncode, out) == (143, "")
