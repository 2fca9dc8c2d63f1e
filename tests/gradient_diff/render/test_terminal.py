import dataclasses
import io

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from gradient_diff import GradientDiff, Status, compare
from gradient_diff.render.terminal import print_diff, to_text
from manual_mlp import Evaluation


@pytest.mark.parametrize("width", [40, 60, 80, 100, 120, 200])
def test_no_line_is_wider_than_the_terminal_and_none_ends_in_spaces(mixed: GradientDiff, width: int) -> None:
    lines = to_text(mixed, width).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert all(line == line.rstrip() for line in lines)


def _head(diff: GradientDiff, width: int) -> list[str]:
    return next(line for line in to_text(diff, width).splitlines() if line.startswith("node")).split()


def test_200_columns_hold_everything(different: GradientDiff) -> None:
    assert _head(different, 200) == [
        *("node", "shape", "relative", "L2", "max", "|diff|", "at"),
        *("hand", "reference", "needs", "rtol", "cosine", "scale", "σ", "own", "σ", "judge", "status"),
    ]


def test_120_columns_hold_both_modes_and_the_worst_entry(different: GradientDiff) -> None:
    assert _head(different, 120) == [
        *("node", "shape", "relative", "L2", "max", "|diff|", "at", "hand", "reference"),
        *("σ", "own", "σ", "status"),
    ]


def test_80_columns_drop_the_least_important_and_keep_each_row_on_one_line(different: GradientDiff) -> None:
    assert _head(different, 80) == ["node", "shape", "relative", "L2", "σ", "own", "σ", "status"]
    rows = [line for line in to_text(different, 80, ledger=False).splitlines() if line.endswith(("MATCH", "DIFFERENT"))]
    assert len(rows) == len(different.rows)


def test_40_columns_keep_name_distance_and_status(different: GradientDiff) -> None:
    assert _head(different, 40)[:2] == ["node", "relative"]
    assert "DIFFERENT" in to_text(different, 40)


def test_a_width_that_holds_nothing_is_refused(match: GradientDiff) -> None:
    with pytest.raises(ValueError, match=r"to_text\(width=39\): expected at least 40 columns"):
        to_text(match, 39)


def test_the_terminals_own_width_is_the_default(match: GradientDiff, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    assert to_text(match) == to_text(match, 80) != to_text(match, 120)


def test_headline_sides_and_problem_come_first(different: GradientDiff) -> None:
    first, second = to_text(different, 120).splitlines()[:2]
    assert first == f"✗ {different.headline()}"
    assert second == "hand: manual_mlp · reference: keras eager · 3-5-2, mean_squared_error, batch 7, float64"


def test_the_worst_entry_is_named_as_hand_and_reference(different: GradientDiff) -> None:
    metrics = different["dense_2/dE_dkernel"].metrics
    assert metrics is not None
    row = next(line for line in to_text(different, 120).splitlines() if line.startswith("dense_2/dE_dkernel"))
    assert f"{metrics.worst_hand:.5g}  " in row
    assert row.index(f"{metrics.worst_hand:.5g}") < row.index(f"{metrics.worst_reference:.5g}")


def test_each_row_that_is_off_has_its_reason_and_each_status_its_advice_once(mixed: GradientDiff) -> None:
    text = to_text(mixed, 200)
    for status in (Status.SHAPE, Status.MISSING, Status.NONFINITE):
        assert text.count(status.advice) == 1
    assert (
        "  dense_1/dE_dkernel: hand (5, 3), reference (3, 5): (5, 3) is (n_out, n_in), the transposed convention."
        in text
    )
    assert "  dense_2/dE_dbias: the hand side has no dense_2/dE_dbias" in text
    assert "bit-equal" not in text


def test_a_column_in_which_nothing_is_known_takes_no_space(different: GradientDiff) -> None:
    diff = compare({"w": np.ones(2)}, {"w": np.ones(2) * 2})
    assert "σ" not in _head(diff, 200)
    assert "reference" in _head(diff, 80)
    assert "reference" not in _head(different, 80)


def test_who_judged_is_told_once_and_those_who_judged_few_with_their_rows(different: GradientDiff) -> None:
    assert "\nJudged by σ of the network\n" in to_text(different, 120)
    rows = [dataclasses.replace(r, judge="isolated") if r.name == "loss" else r for r in different.rows]
    text = to_text(dataclasses.replace(different, rows=tuple(rows)), 120)
    assert "\nJudged by σ of the network; isolated (loss)\n" in text
    assert "Judged by" not in to_text(compare({"w": np.ones(2)}, {"w": np.ones(2)}), 120)


def test_rows_downstream_are_marked_and_named_together(different: GradientDiff) -> None:
    names = ("dense_1/dE_dz", "inputs/dE_dx")
    rows = [
        dataclasses.replace(r, status=Status.MISMATCH, downstream=r.name in names)
        if r.name in ("dense_2/dE_dkernel", *names)
        else r
        for r in different.rows
    ]
    text = to_text(dataclasses.replace(different, rows=tuple(rows)), 120)
    assert "\n  dense_1/dE_dz, inputs/dE_dx: downstream" in text
    assert text.count("✗ MISMATCH (downstream)") == 2
    assert "\n  dense_2/dE_dkernel: so judged" in text


def test_rows_with_one_reason_share_a_line(different: GradientDiff) -> None:
    rows = [dataclasses.replace(r, status=Status.KINK, reason="at a kink") for r in different.rows[:3]]
    text = to_text(dataclasses.replace(different, rows=tuple(rows)), 120)
    assert "\n  dense_1/u, dense_1/z, dense_2/u: at a kink" in text


def test_the_text_points_above_where_only_parameters_are_at_hand(evaluation: Evaluation) -> None:
    diff = compare({n: 2 * g for n, g in evaluation.gradients.items()}, evaluation)
    assert diff.remark in " ".join(to_text(diff, 80).split())


def test_a_match_has_no_reasons(match: GradientDiff) -> None:
    assert Status.MATCH.advice not in to_text(match)


def test_the_ledger_line_of_the_house_plan_and_a_clash(different: GradientDiff, mixed: GradientDiff) -> None:
    lines = [" ".join(line.split()) for line in to_text(different, 120).splitlines()]
    assert "dense_2 dE/dW = z_prevᵀ δ (7, 5)ᵀ @ (7, 2) → (5, 2) kernel (5, 2) fits" in lines
    assert "✗ given (5, 3): the transpose" in to_text(mixed, 120)
    assert "Matrix ledger" not in to_text(different, 120, ledger=False)


def test_a_narrow_ledger_has_the_shapes_below_the_formula(different: GradientDiff) -> None:
    lines = to_text(different, 80).splitlines()
    place = lines.index("dense_2  dE/dW = z_prevᵀ δ")
    assert lines[place + 1].split("  ")[-1] == "fits"
    assert "(7, 5)ᵀ @ (7, 2) → (5, 2)" in lines[place + 1]


def test_text_has_no_colour_and_a_terminal_has(different: GradientDiff) -> None:
    assert "\x1b" not in to_text(different)
    out = io.StringIO()
    print_diff(different, Console(file=out, force_terminal=True, color_system="standard", width=120))
    assert "\x1b[1;31m✗ DIFFERENT" in out.getvalue()
    assert "\x1b[32m✓ MATCH" in out.getvalue()


def test_a_hostile_name_is_shown_and_does_nothing(mixed: GradientDiff, hostile: str) -> None:
    text = to_text(mixed, 200)
    assert r"\n\x1b[31m[red]层" in text
    assert "\x1b" not in text
    assert compare({hostile: np.ones(1)}, {"w": np.ones(1)}).culprit in ("w", hostile)


def test_a_long_name_is_cut_in_the_table_and_whole_in_its_reason() -> None:
    name = "layer_" * 30 + "/kernel"
    text = to_text(compare({name: np.ones(2)}, {name: np.zeros(2)}), 80)
    row = next(line for line in text.splitlines() if line.endswith("? INCONCLUSIVE"))
    assert "…" in row
    assert name in "".join(line.strip() for line in text.splitlines())


def test_nothing_fails_on_extremes(extreme: GradientDiff) -> None:
    for width in (40, 80, 120):
        assert extreme.verdict.name in to_text(extreme, width)


def test_print_diff_uses_the_standard_output(match: GradientDiff, capsys: pytest.CaptureFixture[str]) -> None:
    print_diff(match)
    assert "MATCH" in capsys.readouterr().out


def test_one_row_in_full() -> None:
    assert to_text(compare({"w": np.ones(2)}, {"w": np.ones(2)}), width=80).splitlines() == [
        "✓ MATCH: the difference is no larger than rounding explains (1 of 1 rows)",
        "hand: given arrays · reference: given arrays",
        "",
        "node  shape  relative L2  max |diff|  at   hand  reference  scale  status",
        "──────────────────────────────────────────────────────────────────────────",
        "w     (2,)             0           0  [0]     1          1      1  ✓ MATCH",
    ]
