from __future__ import annotations

import re
from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs, slug
from gradient_diff import GradientDiff, Status, compare

RIGHT = compare({"w": np.ones(2)}, {"w": np.ones(2)})
WRONG = compare({"w": np.ones(2)}, {"w": np.zeros(2)}, rtol=1e-6)
OPEN = compare({"w": np.ones(2)}, {"w": np.full(2, 1.1)})


def result(comparisons: Mapping[str, Comparison], claims: Mapping[str, bool] | None = None) -> Result:
    return Result("A study", (Part("A part", comparisons=comparisons, claims=claims or {}),))


@pytest.mark.parametrize(
    ("caption", "name"),
    [
        ("Loss: hand | tape, E(t)", "loss_hand_tape_e_t"),
        ("δ of MSE over δ", "of_mse_over"),
        ("../../etc/passwd", "etc_passwd"),
        ("⟨∂⟩", "untitled"),
        ("", "untitled"),
    ],
)
def test_a_slug_is_a_plain_file_name(caption: str, name: str) -> None:
    assert slug(caption) == name


def test_paragraphs_are_divided_by_blank_lines() -> None:
    assert paragraphs("\n   one\n   line\n   \n   two\n") == ("one line", "two")


def test_settings_have_the_usual_defaults() -> None:
    assert Settings() == Settings("float64", "eager", 0, full=False)


@pytest.mark.parametrize("diff", [RIGHT, WRONG, OPEN])
@pytest.mark.parametrize("expected", [Status.MATCH, Status.DIFFERENT, Status.INCONCLUSIVE])
def test_a_comparison_knows_whether_it_came_as_expected(diff: GradientDiff, expected: Status) -> None:
    assert Comparison(diff, expected).as_expected is (diff.verdict is expected)


def test_nothing_fails_where_all_is_as_expected() -> None:
    found = result({"a": Comparison(RIGHT), "b": Comparison(WRONG, Status.DIFFERENT)}, {"1 is 1": True})
    assert found.failed == []
    assert found.verdict is Status.MATCH


def test_what_fails_is_named_with_what_was_expected() -> None:
    found = result(
        {"a": Comparison(WRONG), "b": Comparison(RIGHT, Status.DIFFERENT)}, {"1 is 2": False, "1 is 1": True}
    )
    assert found.failed == ["a: DIFFERENT, expected MATCH", "b: MATCH, expected DIFFERENT", "does not hold: 1 is 2"]


def test_the_verdict_is_the_gravest_of_those_that_should_match() -> None:
    assert result({"a": Comparison(RIGHT), "b": Comparison(OPEN)}).verdict is Status.INCONCLUSIVE
    assert result({"a": Comparison(RIGHT), "b": Comparison(WRONG, Status.DIFFERENT)}).verdict is Status.MATCH
    assert result({}).verdict is Status.VACUOUS


def test_a_result_gathers_what_its_parts_hold() -> None:
    tables = [Table(pd.DataFrame({"x": [i]})) for i in range(2)]
    parts = [Part(f"{i}", tables={f"t{i}": t}, claims={f"c{i}": True}) for i, t in enumerate(tables)]
    found = Result("A study", tuple(parts))
    assert found.tables == {"t0": tables[0], "t1": tables[1]}
    assert found.claims == {"c0": True, "c1": True}


@pytest.mark.parametrize("kind", ["tables", "comparisons", "claims", "pictures"])
def test_two_captions_of_one_file_are_refused(kind: str) -> None:
    """Otherwise the second would silently replace the first, and a failure with it."""
    parts = tuple(Part(f"part {i}", **{kind: {caption: None}}) for i, caption in enumerate(["Loss, E", "loss E"]))  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=f"Two {kind} of 'A study' would share a name, loss_e: reword a caption"):
        Result("A study", parts)


@pytest.mark.parametrize(
    ("source", "found"),
    [("The table, misspelt", "nothing"), ("the_table", "nothing"), ("A caption of both", "more than one thing")],
)
def test_a_picture_of_what_is_not_saved_is_refused(source: str, found: str) -> None:
    """Also of a file's name in place of the caption, and of what two things are called."""
    from matplotlib.figure import Figure

    frame = Table(pd.DataFrame({"x": [1.0]}))
    part = Part(
        "A part",
        tables={"The table": frame, "A caption of both": frame},
        comparisons={"A caption of both": Comparison(RIGHT)},
        pictures={"The picture": Picture((source,), lambda _: Figure())},
    )
    message = (
        f"The picture 'The picture' is drawn from '{source}', which names {found} that 'A study' saves. "
        "It saves 'The table', 'A caption of both', 'A caption of both'."
    )
    with pytest.raises(ValueError, match=re.escape(message)):
        Result("A study", (part,))
