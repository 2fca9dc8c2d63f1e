"""Two runs, array by array: better, worse, new, gone or the same."""

import math
from pathlib import Path

import pytest

from gradient_diff import GradientDiff, Status
from gradient_diff.render.folder import save_tables
from gradient_diff.render.runs import Change, Kind, State, changes, changes_data, changes_sheet, counted, read_run

RIGHT, OPEN = State(Status.MATCH, 1e-16), State(Status.VACUOUS)
OFF, FAR, SHAPE = (State(Status.MISMATCH, 0.1), State(Status.DIFFERENT, 0.2), State(Status.SHAPE))


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (RIGHT, OFF, Kind.WORSE),
        (RIGHT, OPEN, Kind.WORSE),
        (OPEN, OFF, Kind.WORSE),
        (OFF, RIGHT, Kind.BETTER),
        (OFF, FAR, Kind.WORSE),
        (FAR, OFF, Kind.BETTER),
        (OFF, State(Status.MISMATCH, 0.15), Kind.SAME),
        (RIGHT, State(Status.MATCH, 1e-15), Kind.SAME),
        (SHAPE, OFF, Kind.SAME),
        (SHAPE, SHAPE, Kind.SAME),
        (State(Status.DIFFERENT, math.inf), State(Status.DIFFERENT, math.inf), Kind.SAME),
        (None, OFF, Kind.NEW),
        (OFF, None, Kind.GONE),
    ],
)
def test_what_became_of_an_array(before: State | None, after: State | None, kind: Kind) -> None:
    assert Change(("", "w"), before, after).kind is kind


def test_the_worse_come_first_and_all_are_counted() -> None:
    before = {("", "a"): RIGHT, ("", "b"): OFF, ("", "c"): RIGHT, ("", "d"): RIGHT}
    found = changes(before, {("", "a"): RIGHT, ("", "b"): RIGHT, ("", "c"): OFF, ("", "e"): OPEN})
    assert [(change.kind.value, change.key[1]) for change in found] == [
        ("worse", "c"),
        ("gone", "d"),
        ("new", "e"),
        ("better", "b"),
        ("same", "a"),
    ]
    assert counted(found) == "1 worse, 1 gone, 1 new, 1 better, 1 same"
    told = changes_sheet(found)
    assert told.titles == ("", "array", "before", "now")  # one comparison needs no column
    assert told.cells[0] == ("worse", "c", "✓ MATCH, 1.0e-16", "✗ MISMATCH, 1.0e-01")
    assert len(told.cells) == len(changes_data(found).cells) - 1


def test_a_report_a_study_and_a_folder_of_them_are_read(
    match: GradientDiff, different: GradientDiff, tmp_path: Path
) -> None:
    for name, diff in (("ann", match), ("ben", different)):
        (tmp_path / name / "diffs").mkdir(parents=True)
        save_tables(diff, tmp_path / name)
        (tmp_path / name / "diff.csv").rename(tmp_path / name / "diffs" / "first.csv")
    one, all_of_them = read_run(tmp_path / "ben"), read_run(tmp_path)
    row = ("dense_2/dE_dkernel",)
    assert {key[0] for key in one} == {"", "first"}
    assert {key[0] for key in all_of_them} == {"ann", "ben", "ann/first", "ben/first"}
    for comparison in ("", "first"):
        assert one[comparison, *row].status is Status.DIFFERENT
        assert one[comparison, *row].relative_l2 == pytest.approx(63)
    assert len(one) == 2 * len(different)


def test_what_holds_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"holds no diff\.json and no diffs/\*\.csv: expected a folder of a report"):
        read_run(tmp_path)
    (tmp_path / "diffs").mkdir()
    (tmp_path / "diffs" / "a.csv").write_text("name,status\nw,GREAT\n")
    with pytest.raises(ValueError, match=r"a\.csv is no table of a comparison"):
        read_run(tmp_path)
