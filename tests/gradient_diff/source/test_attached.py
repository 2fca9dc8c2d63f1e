"""diff.code: when it is asked for and when not; whatever goes wrong in it is told, and the verdict stands."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.result.code import Code
from gradient_diff.source import attached, events
from gradient_diff.source.answers import Answers
from gradient_diff.source.attached import UNDESCRIBED, with_code
from gradient_diff.source.events import TooLongError
from gradient_diff.source.subject import Subject, subject_of
from gradient_diff.source.tracing import UNSURE, trace
from manual_mlp import Evaluation, Problem, evaluation_of

Written = Callable[..., dict[str, Any]]
MISTAKE = ("d2 @ W2.T * slope(z1)", "d2 @ W2.T")


@pytest.fixture(scope="module")
def reference(problem: Problem) -> Evaluation:
    return evaluation_of(problem)


@pytest.fixture
def wrong(written: Written, matrices: str) -> Callable[..., Any]:
    return written(matrices, MISTAKE)["gradients"]


@pytest.fixture
def right(written: Written, matrices: str) -> Callable[..., Any]:
    return written(matrices)["gradients"]


def told(function: Any, reference: Evaluation, trace: bool | None = None) -> Code:
    code = compare(function, reference, trace=trace).code
    assert code is not None
    return code


def test_a_wrong_derivation_has_its_line(wrong: Any, reference: Evaluation) -> None:
    diff = compare(wrong, reference)
    assert [f.text for f in diff.code.findings] == ["d2 @ W2.T"]
    assert [c.finding.place for c in diff.causes if c.finding] == ["mine.py:19"]


def test_never(wrong: Any, right: Any, reference: Evaluation) -> None:
    for function in (wrong, right):
        assert compare(function, reference, trace=False).code is None


def test_of_right_code_only_where_it_is_asked(right: Any, reference: Evaluation) -> None:
    assert told(right, reference) == Code()
    code = told(right, reference, trace=True)
    assert (code.findings, code.silent) == ((), "")
    assert code.listing[15] == "z_prev W of dense_2; u of dense_2"
    assert code.lines[15] == "    z2 = z1 @ W2 + b2"


def test_no_code_no_trace(reference: Evaluation) -> None:
    assert compare(reference.gradients, reference, trace=True).code is None


def test_no_source(matrices: str, reference: Evaluation) -> None:
    """As of code that was typed into an interpreter: the verdict stands, and why nothing is said is said."""
    space: dict[str, Any] = {}
    exec(compile(matrices.replace(*MISTAKE), "<typed>", "exec"), space)
    diff = compare(space["gradients"], reference)
    assert diff.verdict.bad
    assert not diff.code.findings
    assert diff.code.silent == "The source of what is off cannot be read."


def test_no_python(problem: Problem) -> None:
    assert trace(Subject(print), problem).silent == "Its Python source is not known: nothing can be traced."


def test_a_copy_of_a_file_is_a_file_of_its_own(
    wrong: Any, matrices: str, reference: Evaluation, tmp_path: Path
) -> None:
    """Its code is equal to that of the first, which was traced before."""
    assert told(wrong, reference).file == str(tmp_path / "mine.py")
    file, space = tmp_path / "copy.py", dict[str, Any]()
    file.write_text((tmp_path / "mine.py").read_text(encoding="utf-8"), encoding="utf-8")
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), space)
    code = told(space["gradients"], reference)
    assert (code.file, code.findings[0].file) == (str(file), str(file))


def test_nothing_heals(written: Written, problem: Problem) -> None:
    text = "import numpy as np\n\n\ndef gradients(p, x, y):\n    return {n: np.cos(7 * a) for n, a in p.items()}\n"
    code = trace(subject_of(written(text)["gradients"], Answers()), problem)
    assert (code.findings, code.silent) == ((), UNSURE)


@pytest.mark.parametrize("asked", [True, None])
def test_a_model_that_no_description_covers(wrong: Any, reference: Evaluation, asked: bool | None) -> None:
    diff = compare(wrong, reference, trace=False)
    told = with_code(diff, subject_of(wrong, Answers()), None, asked)
    assert told.code.silent == UNDESCRIBED
    assert told.verdict is diff.verdict


@pytest.mark.parametrize(
    ("error", "silent"),
    [
        (TooLongError(), "Tracing gave up: the code runs too many operations on a small problem."),
        (KeyError("δ"), "Tracing gave up: KeyError: 'δ'"),
    ],
)
def test_an_exception_in_tracing_is_told(
    wrong: Any, reference: Evaluation, monkeypatch: pytest.MonkeyPatch, error: BaseException, silent: str
) -> None:
    def fails(*_: Any) -> Code:
        raise error

    monkeypatch.setattr(attached, "trace", fails)
    diff = compare(wrong, reference)
    assert diff.code == Code(silent=silent)
    assert diff.verdict.bad


def test_ctrl_c_is_the_user_s(wrong: Any, reference: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: Any) -> Code:
        raise KeyboardInterrupt

    monkeypatch.setattr(attached, "trace", fails)
    with pytest.raises(KeyboardInterrupt):
        compare(wrong, reference)


def test_too_long(wrong: Any, reference: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    """No run of it comes to an end: nothing is said but that."""
    monkeypatch.setattr(events, "MOST_EVENTS", 3)
    diff = compare(wrong, reference)
    assert diff.verdict.bad
    assert not diff.code.findings
    assert diff.code.silent


def test_the_user_s_arguments_and_names_are_as_they_were(wrong: Any, reference: Evaluation, problem: Problem) -> None:
    before = dict(wrong.__globals__), {n: a.copy() for n, a in problem.parameters.items()}
    compare(wrong, reference)
    assert dict(wrong.__globals__) == before[0]
    assert all(np.array_equal(a, before[1][n]) for n, a in problem.parameters.items())
    assert wrong.__globals__["np"] is np


def test_where_no_known_mistake_fits_the_line_alone_is_the_answer(
    written: Written, matrices: str, reference: Evaluation
) -> None:
    function = written(matrices, ("z1.T @ d2", "(np.cos(z1) - 0.3).T @ d2"))["gradients"]
    diff = compare(function, reference)
    assert not diff.causes
    assert diff.unexplained.startswith("mine.py:17: ")


def test_code_that_insists_on_its_widths(written: Written, matrices: str, reference: Evaluation) -> None:
    """On other sizes it raises: the caller's own are used."""
    text = matrices.replace("    W1, b1, W2, b2", "    assert x.shape[1] == 4 and y.shape[1] == 2\n    W1, b1, W2, b2")
    code = told(written(text, MISTAKE)["gradients"], reference)
    assert [f.text for f in code.findings] == ["d2 @ W2.T"]
    assert code.findings[0].tried.endswith("at these widths only: every gradient matches")
