"""The title of a page is the cause; where it is, and what to change, stand below it."""

import dataclasses
import math

import numpy as np
import pytest

from gradient_diff import Cause, Code, GradientDiff, Status, compare
from gradient_diff.render.answers import MOST_SAID, headline, remarks, what_is_wrong, what_to_change, where
from gradient_diff.render.html import to_html


def caused(diff: GradientDiff, *causes: Cause, unexplained: str = "") -> GradientDiff:
    return dataclasses.replace(diff, causes=causes, unexplained=unexplained)


PRIME = Cause(
    *("derivative_wrong", "dense_1", "dense_1: δ is dE/dz ⊙ z.", "δ = dE/dz ⊙ z", "δ = dE/dz ⊙ z(1 − z)", 0.5),
    title="f′ is not sigmoid′ = z(1 − z)",
    cure="sigmoid: z(1 − z).",
)


def test_the_title_says_what_is_there_and_what_must_be(different: GradientDiff) -> None:
    assert headline(caused(different, PRIME)) == "Wrong in dense_1: δ = dE/dz ⊙ z, must be dE/dz ⊙ z(1 − z)"
    other = dataclasses.replace(PRIME, right="d = 1")
    assert headline(caused(different, other)) == "Wrong in dense_1: δ = dE/dz ⊙ z, must be d = 1"


@pytest.mark.parametrize("change", [{"written": ""}, {"right": ""}, {"right": "x" * 80}])
def test_without_short_equations_it_is_the_title_of_the_mistake(
    different: GradientDiff, change: dict[str, str]
) -> None:
    cause = dataclasses.replace(PRIME, **change)  # type: ignore[arg-type]  # of texts
    assert headline(caused(different, cause)) == "Wrong in dense_1: f′ is not sigmoid′ = z(1 − z)"


def test_a_convention_is_no_mistake_and_a_title_may_come_from_the_list(different: GradientDiff) -> None:
    assert headline(caused(different, Cause("sign", "", "m", "", "", math.nan))) == "Wrong: the sign is turned round"
    cause = Cause("convention_transposed", "", "m", "", "", math.nan, convention=True)
    assert headline(caused(different, cause)) == "No mistake: matrices of shape (n_out, n_in)"


def test_where_nothing_is_wrong_or_proved_it_says_so(match: GradientDiff) -> None:
    assert headline(match) == "Right: all 14 arrays match"
    lost = compare({"w": np.zeros(2), "b": np.ones(2)}, {"w": np.zeros(2), "b": np.ones(2)})
    assert headline(lost) == "Not proved: 1 of 2 arrays prove nothing"
    assert headline(compare({"w": np.ones(2)}, {"w": 2 * np.ones(2)}, noise=None)) != ""


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (Status.SHAPE, "Wrong shape: dE/dW of dense_1 is (5, 3), must be (3, 5)"),
        (Status.MISSING, "Missing: the hand has no dE/db of dense_2"),
        (Status.NONFINITE, "NaN or Inf in dE/db of dense_1"),
        (Status.REFERENCE_OFF, "The reference is off, first at dE/db of dense_1"),
        (Status.MISMATCH, "Wrong from dE/db of dense_1 on: no known mistake explains it"),
        (Status.DIFFERENT, "Different from dE/db of dense_1 on: no known mistake explains it"),
    ],
)
def test_each_verdict_has_a_title(mixed: GradientDiff, status: Status, words: str) -> None:
    names = {Status.SHAPE: "dense_1/dE_dkernel", Status.MISSING: "dense_2/dE_dbias"}
    row = dataclasses.replace(mixed[names.get(status, "dense_1/dE_dbias")], status=status)
    assert headline(caused(dataclasses.replace(mixed, rows=(row,)))) == words
    with_cause = headline(caused(dataclasses.replace(mixed, rows=(row,)), PRIME))
    assert (with_cause == words) is (status not in (Status.MISMATCH, Status.DIFFERENT))


def test_a_line_is_named_where_no_mistake_is(different: GradientDiff, codes: dict[str, Code]) -> None:
    diff = dataclasses.replace(different, code=codes["one"])
    assert headline(diff) == "Wrong at net.py:33: δ of dense_1 belongs there"


def test_a_title_is_one_short_line(different: GradientDiff, hostile: str) -> None:
    cause = Cause(hostile, hostile, hostile * 9, "", "", 1.0, title=hostile * 9)
    title = headline(caused(different, cause))
    assert len(title) == 110
    assert title.isprintable()


def test_what_where_and_the_cure(different: GradientDiff, mixed: GradientDiff) -> None:
    diff = caused(different, PRIME)
    assert what_is_wrong(diff) == "dense_1: δ is dE/dz ⊙ z."
    assert what_to_change(diff) == ["sigmoid: z(1 − z)."]
    assert [row.name for row in where(diff)] == ["dense_2/dE_dkernel"]
    assert what_is_wrong(caused(different, unexplained="no known mistake")) == "No known mistake"
    assert [row.status for row in where(caused(mixed))] == [Status.SHAPE, Status.MISSING]
    assert what_to_change(caused(different)) == [Status.DIFFERENT.advice]


@pytest.mark.parametrize(
    ("cure", "written", "told"),
    [
        ("Divide δ of the output by N, once.", "", ["In this run N = 7 samples."]),
        ("Leave it out.", "dE/dz = 2/(N·K) (z − y)", ["In this run N = 7 samples and K = 2 outputs."]),
        ("db = Σ_N δ.", "", ["In this run N = 7 samples."]),
        ("Name it as Keras does: NaN, KERNEL.", "", []),
    ],
)
def test_letters_for_sizes_come_with_their_values(
    cure: str, written: str, told: list[str], different: GradientDiff
) -> None:
    diff = caused(different, dataclasses.replace(PRIME, cure=cure, written=written))
    assert what_to_change(diff) == [cure, *told]
    assert what_to_change(dataclasses.replace(diff, problem=None)) == [cure]


def test_a_long_remark_is_folded_sentence_by_sentence(match: GradientDiff) -> None:
    short = dataclasses.replace(match, notes=("A list in the order W1 b1.",))
    assert remarks(short) == ("A list in the order W1 b1.", [])
    found = [f"`net.weights[{i}]` is dense_{i}/kernel" for i in range(MOST_SAID // 30)]
    long = dataclasses.replace(
        match, notes=("It has its own weights.", f"Found: {'; '.join(found)}.", "Samples are rows.")
    )
    first, rest = remarks(long)
    assert first == "It has its own weights."
    assert rest == [["Found: " + found[0], *found[1:-1], found[-1] + "."], ["Samples are rows."]]
    page = to_html(long)
    assert page.index("It has its own weights.") < page.index("More about what was handed over")
    assert page.count("<li><code>net.weights[") == len(found) - 1  # the first one below "Found:"
