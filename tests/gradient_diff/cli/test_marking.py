"""Files held against a reference, one after the other."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from gradient_diff import GradientDiff, Status
from gradient_diff.cli import marking
from gradient_diff.cli.marking import Marked, check_rules, exit_code, mark
from gradient_diff.cli.reference import reference_of
from gradient_diff.files.naming import read_rules
from gradient_diff.render.summary import SummaryLine, summary_line
from gradient_diff.result.row import Row
from manual_mlp import Evaluation, save_parameters


def test_the_diff_that_is_kept_holds_shapes_and_no_memory(evaluation: Evaluation, tmp_path: Path) -> None:
    path = save_parameters(tmp_path / "g", evaluation.gradients)
    (one,) = mark([path], reference_of(evaluation, "r.npz"), top=1)
    assert one.diff is not None
    assert one.diff.verdict is Status.MATCH
    kept = [a for side in (one.diff.hand, one.diff.reference) for a in side.values()]
    assert {stride for a in kept for stride in a.strides} == {0}  # one number each, however many entries
    assert [one.diff.hand[row.name].shape for row in one.diff.rows] == [row.shape_hand for row in one.diff.rows]
    assert one.diff.hand.keys() == {row.name for row in one.diff.rows}


def test_a_rule_that_no_file_needs_is_let_be(evaluation: Evaluation, tmp_path: Path) -> None:
    right = save_parameters(tmp_path / "right", evaluation.gradients)
    odd = save_parameters(tmp_path / "odd", {n.replace("kernel", "w"): g for n, g in evaluation.gradients.items()})
    reference, rules = reference_of(evaluation, "r.npz"), read_rules(["w$=>kernel", "q=>r"])
    check_rules([right], reference, rules)
    check_rules([odd, right], reference, rules)  # q is of no use, but all names come out right
    check_rules([tmp_path / "gone.npz"], reference, rules)
    with pytest.raises(ValueError, match=r"^The pattern 'q' is found in none of dense_1/w, dense_1/bias, dense_2/w, "):
        check_rules([right, odd], reference, read_rules(["q=>r"]))


def test_one_that_does_not_fit_into_memory_is_a_line(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    path = save_parameters(tmp_path / "g", evaluation.gradients)
    monkeypatch.setattr(marking, "compare", full)
    (one,) = mark([path], reference_of(evaluation, "r.npz"))
    assert (one.line.verdict, one.line.message) == ("UNREADABLE", "It is too large for this machine's memory.")


def _marked(*statuses: Status) -> Marked:
    rows = tuple(Row(f"w{i}", "", "", "float64", (1,), (1,), s, "") for i, s in enumerate(statuses))
    diff = GradientDiff(rows, {}, {}, "", "")
    return Marked(summary_line("a", diff), diff)


def test_of_several_files_wrong_goes_before_unproved_and_both_before_right() -> None:
    right, wrong, kink = map(_marked, (Status.MATCH, Status.MISMATCH, Status.KINK))
    unread, part = Marked(SummaryLine("a", "UNREADABLE")), _marked(Status.MATCH, Status.VACUOUS)
    given = [[right], [right, wrong, unread], [right, unread], [kink], [], [right, part], [part, wrong]]
    assert [exit_code(marked, False, False) for marked in given] == [0, 1, 2, 1, 2, 2, 1]
    assert exit_code([kink, right], True, False) == 0
    assert exit_code([right, part], False, True) == 0
    both = _marked(Status.MATCH, Status.KINK, Status.VACUOUS)
    assert [exit_code([both], *lifted) for lifted in product((False, True), (False, True))] == [1, 1, 2, 0]


def test_every_status_has_an_exit_code_of_the_plan() -> None:
    codes = {s.name: exit_code([_marked(s)], False, False) for s in Status}
    assert codes == {s.name: {Status.MATCH: 0, Status.INCONCLUSIVE: 2, Status.VACUOUS: 2}.get(s, 1) for s in Status}


def test_what_one_file_raises_costs_the_others_nothing(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = [save_parameters(tmp_path / name, evaluation.gradients) for name in ("a", "b", "c")]
    compared = marking.compare

    def broken(hand: object, *rest: object, **more: object) -> object:
        calls.append(0)
        if len(calls) == 2:
            raise SystemError("a flipped byte")
        return compared(hand, *rest, **more)  # type: ignore[arg-type]

    calls: list[int] = []
    monkeypatch.setattr(marking, "compare", broken)
    lines = [one.line for one in mark(files, reference_of(evaluation, "r.npz"), out=tmp_path / "marks")]
    assert [line.verdict for line in lines] == ["MATCH", "UNREADABLE", "MATCH"]
    assert lines[1].message == "It cannot be compared: SystemError: a flipped byte."
    assert (tmp_path / "marks" / "summary.csv").is_file()


@pytest.mark.parametrize(
    ("reports", "written"), [(None, {"a", "b"}), ("all", {"a", "b"}), ("wrong", {"b"}), ("none", set())]
)
def test_a_right_file_need_not_cost_a_report(
    reports: marking.Reports | None, written: set[str], evaluation: Evaluation, tmp_path: Path
) -> None:
    right = save_parameters(tmp_path / "a", evaluation.gradients)
    wrong = save_parameters(tmp_path / "b", {n: 2 * g for n, g in evaluation.gradients.items()})
    mark([right, wrong], reference_of(evaluation, "r.npz"), out=tmp_path / "marks", reports=reports)
    assert {p.parent.name for p in (tmp_path / "marks").glob("*/report.html")} == written


def test_of_many_files_only_the_wrong_get_one(
    evaluation: Evaluation, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(marking, "MANY", 1)
    files = [save_parameters(tmp_path / name, evaluation.gradients) for name in ("a", "b")]
    lines = [one.line for one in mark(files, reference_of(evaluation, "r.npz"), out=tmp_path / "marks")]
    assert [line.report for line in lines] == ["", ""]
