from __future__ import annotations

from gradient_diff import MISTAKES
from gradient_diff.guide.entries.settings import NO_CODE
from gradient_diff.guide.page import NO_MISTAKE, ONLY_KERAS, page_of
from gradient_diff.guide.words import RECORDS


def test_a_change_goes_from_wrong_to_right_with_two_lines_around() -> None:
    lines = [(line.sign, line.text.strip()) for line in page_of("bias_mean").change("rows")]
    assert lines == [
        (" ", "d2 = 2 * (u2 - y) / (N * K)"),
        (" ", "dW2 = z1.T @ d2"),
        ("−", "db2 = d2.mean(axis=0)"),
        ("+", "db2 = d2.sum(axis=0)"),
        (" ", "g1 = d2 @ W2.T"),
        (" ", "d1 = g1 * z1 * (1 - z1)"),
    ]


def test_changes_far_apart_are_parted_by_a_gap() -> None:
    assert [line.sign for line in page_of("statistics_axis").change("columns")].count("…") == 1


def test_look_alikes_are_told_apart_by_what_comes_out_or_not_at_all() -> None:
    alike = {other.id: other for other in page_of("factor_two").alike}
    assert not alike["accumulated"].told
    assert alike["missing_output_mean"].told
    assert alike["missing_output_mean"].looks == "every gradient is K = 3 times the right one"
    near = {other.id: other for other in page_of("derivative_at_output").alike}
    assert near["derivative_wrong"].written == "δ = dE/dz ⊙ z"
    assert near["derivative_wrong"].told


def test_every_look_alike_is_a_page_and_none_is_its_own() -> None:
    for name in MISTAKES:
        others = [other.id for other in page_of(name).alike]
        assert name not in others
        assert set(others) <= RECORDS.keys()
        assert set(MISTAKES[name].alike) <= set(others)


def test_what_no_code_makes_says_so() -> None:
    assert page_of("from_logits").kind == ONLY_KERAS
    assert page_of("convention_transposed").kind == NO_MISTAKE
    assert page_of("loss_weights").why
    assert page_of("loss_weights").no_code == NO_CODE["loss_weights"]
    assert page_of("loss_weights").change("rows") == []
    assert page_of("loss_weights").looks == page_of("loss_weights").program("rows") == ""
    assert page_of("sign").no_code == ""
