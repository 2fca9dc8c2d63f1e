"""The first line names the mistake and where it is, or the line alone."""

import dataclasses
from collections.abc import Callable

import pytest

from gradient_diff import Cause, Code, GradientDiff, GradientMismatch, Status, assert_gradients_match, compare, testing
from gradient_diff.result.blaming import in_short
from manual_mlp import Evaluation

Wrong = Callable[[Code], GradientDiff]


@pytest.fixture
def turned(evaluation: Evaluation) -> GradientDiff:
    return compare({name: -gradient for name, gradient in evaluation.gradients.items()}, evaluation)


def located(diff: GradientDiff, code: Code) -> GradientDiff:
    """The first cause with the line of the code's first finding."""
    first, *others = diff.causes
    return dataclasses.replace(diff, causes=(dataclasses.replace(first, finding=code.findings[0]), *others), code=code)


def test_a_named_mistake_carries_its_line_into_the_headline(turned: GradientDiff, codes: dict[str, Code]) -> None:
    assert turned.headline().startswith("MISMATCH: the sign is turned round, or a look-alike of it (4")
    said = located(turned, codes["two"])
    assert said.headline().startswith("MISMATCH: the sign is turned round, at net.py:33, or a look-alike of it (4")
    assert said.meaning(Status.MISMATCH).advice == turned.meaning(Status.MISMATCH).advice


def test_a_mistake_without_a_line_keeps_its_words(turned: GradientDiff, codes: dict[str, Code]) -> None:
    assert dataclasses.replace(turned, code=codes["one"]).headline() == turned.headline()


def test_where_no_mistake_is_known_the_line_is_the_cause(wrong: Wrong, codes: dict[str, Code]) -> None:
    diff = wrong(codes["one"])
    assert diff.headline().startswith("MISMATCH: δ of dense_1 belongs at net.py:33 (2 of 4 rows); first bad row")
    assert diff.meaning(Status.MISMATCH).advice == "Apply the fix to net.py: with it every gradient matches."
    assert diff.remark == ""  # which suspected the equation above


def test_without_a_fix_it_is_said_what_to_put_where(wrong: Wrong, codes: dict[str, Code]) -> None:
    _, second = codes["two"].findings
    diff = wrong(dataclasses.replace(codes["two"], findings=(second,)))
    assert diff.meaning(Status.MISMATCH).advice == "Put δ of dense_2 there, in place of `2 * (z2 - y)`."


def test_two_lines_are_both_named_and_more_are_counted(wrong: Wrong, codes: dict[str, Code]) -> None:
    first, second = codes["two"].findings
    assert "δ of dense_1 belongs at net.py:33, and δ of dense_2 at net.py:31 (2" in wrong(codes["two"]).headline()
    three = dataclasses.replace(codes["two"], findings=(first, second, second))
    assert "belongs at net.py:33, and 2 more lines are to blame (2" in wrong(three).headline()


@pytest.mark.parametrize("name", ["right", "silent", "nothing"])
def test_code_without_findings_changes_no_headline(wrong: Wrong, codes: dict[str, Code], name: str) -> None:
    plain = dataclasses.replace(wrong(codes[name]), code=None)
    assert wrong(codes[name]).headline() == plain.headline()
    assert wrong(codes[name]).remark == plain.remark


@pytest.mark.parametrize("status", [Status.MATCH, Status.INCONCLUSIVE, Status.REFERENCE_OFF, Status.MISSING])
def test_nobody_is_blamed_where_the_hand_may_be_right_or_is_absent(
    wrong: Wrong, codes: dict[str, Code], status: Status
) -> None:
    diff = wrong(codes["one"])
    rows = tuple(dataclasses.replace(row, status=status) for row in diff.rows)
    assert "net.py" not in dataclasses.replace(diff, rows=rows, causes=(), unexplained="").headline()


def test_a_test_that_fails_says_cause_and_place_first(
    wrong: Wrong, codes: dict[str, Code], evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(testing, "compare", lambda *_, **__: wrong(codes["two"]))
    with pytest.raises(GradientMismatch) as caught:
        assert_gradients_match({}, evaluation)
    first, *lines = str(caught.value).splitlines()
    assert first.startswith("MISMATCH: δ of dense_1 belongs at net.py:33")
    assert lines[lines.index("Where it is wrong") + 2] == "  33 │     d1 = dz1 * z1 * (1 - z1)"
    assert "    +    d1 = dz1 * (1 - z1**2)" in lines


def test_a_long_expression_is_cut_and_one_on_several_lines_is_joined() -> None:
    assert in_short("(a +\n\t b)") == "`(a + b)`"
    assert len(in_short("x" * 500)) == 62


def test_a_cause_still_needs_no_line() -> None:
    assert Cause("sign", "", "m", "", "", 0.5).finding is None
