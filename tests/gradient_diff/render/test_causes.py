import dataclasses
import json
import re

import numpy as np
import pytest
from rich.cells import cell_len

from gradient_diff import Cause, GradientDiff, compare
from gradient_diff.render.causes import equations_of, heading, name, notes, sentence, shown
from gradient_diff.render.html import to_html
from gradient_diff.render.notebook import to_cell
from gradient_diff.render.tables import to_csv, to_json, to_markdown
from gradient_diff.render.terminal import to_text

MEAN = Cause(
    "missing_batch_mean",
    "",
    "your gradients are 7 times the reference's; 7 is the batch size. Divide δ of the output by N, once.",
    "dE/dz = 2/K (z − y)",
    "dE/dz = 2/(N·K) (z − y)",
    0.42,
    ("stray_constant", "accumulated"),
    "another batch size",
    False,
)
KERNEL = Cause("wrong_kernel", "dense_2", "dense_2: δ takes another W.", "", "", float("nan"))
CONVENTION = Cause(
    "convention_transposed", "", "all your matrices are (n_out, n_in).", "δᵀ z_prev", "z_prevᵀ δ", 1.0, convention=True
)
LOST = "No known mistake explains this. In dense_1/kernel the difference sits in row 0."


def caused(diff: GradientDiff, *causes: Cause, unexplained: str = "") -> GradientDiff:
    return dataclasses.replace(diff, causes=causes, unexplained=unexplained)


# words


def test_the_heading_tells_a_convention_from_a_mistake(different: GradientDiff) -> None:
    assert heading(caused(different, MEAN)) == heading(caused(different, CONVENTION, MEAN)) == "What is wrong"
    assert heading(caused(different, CONVENTION)) == "Another convention, not a mistake"
    assert heading(caused(different, unexplained=LOST)) == "What is wrong"
    assert heading(caused(different)) == ""


def test_a_cause_in_words() -> None:
    assert name(MEAN) == "The mean over the batch is missing (missing_batch_mean)"
    assert name(KERNEL) == "W of another layer is used, in dense_2 (wrong_kernel)"
    assert name(CONVENTION) == "Matrices of shape (n_out, n_in) (convention_transposed, a convention)"
    assert name(dataclasses.replace(MEAN, id="unheard_of")) == "Unheard of"
    assert notes(MEAN) == [
        "With it undone 0.4 σ are left; up to 16 σ are rounding.",
        "These data cannot tell it from stray_constant, accumulated; another batch size may.",
        "Example and look-alikes: gradient-diff explain missing_batch_mean",
    ]
    assert notes(KERNEL) == ["Example and look-alikes: gradient-diff explain wrong_kernel"]
    assert notes(dataclasses.replace(KERNEL, id="unheard_of")) == []
    assert equations_of(CONVENTION) == [("yours", "δᵀ z_prev"), ("the reference's", "z_prevᵀ δ")]


def test_look_alikes_fold_under_the_first_cause(different: GradientDiff) -> None:
    alike = [dataclasses.replace(MEAN, id=i, same_as=(MEAN.id,)) for i in MEAN.same_as]
    diff = caused(different, MEAN, *alike, KERNEL)
    assert shown(diff) == [MEAN, KERNEL]
    both = [dataclasses.replace(c, together=("sign",)) for c in (MEAN, alike[0])]
    assert shown(caused(different, *both)) == both
    for text in (to_text(diff), to_markdown(diff), to_cell(diff)):
        assert "W of another layer is used" in text
        assert "One gradient carries a stray constant" not in text
    assert [c["id"] for c in json.loads(to_json(diff))["causes"]] == [c.id for c in diff.causes]


@pytest.mark.parametrize("text", ["f′(u) is lost", "δ is", "dense_2: your", "1/N in", "p(1 − p) is", "db = Σ_N δ", ""])
def test_formulas_and_names_keep_their_first_letter(text: str) -> None:
    assert sentence(text) == text


# renderings


def test_the_terminal_shows_causes_between_rows_and_ledger(different: GradientDiff) -> None:
    text = to_text(caused(different, MEAN, KERNEL, CONVENTION), 110)
    part = text[text.index("What is wrong") : text.index("Matrix ledger")]
    assert part.rstrip() == (
        """\
What is wrong
  1. The mean over the batch is missing (missing_batch_mean)
     Your gradients are 7 times the reference's; 7 is the batch size. Divide δ of the output by N, once.
     written  dE/dz = 2/K (z − y)
     right    dE/dz = 2/(N·K) (z − y)
     With it undone 0.4 σ are left; up to 16 σ are rounding.
     These data cannot tell it from stray_constant, accumulated; another batch size may.
     Example and look-alikes: gradient-diff explain missing_batch_mean
  2. W of another layer is used, in dense_2 (wrong_kernel)
     dense_2: δ takes another W.
     Example and look-alikes: gradient-diff explain wrong_kernel
  3. Matrices of shape (n_out, n_in) (convention_transposed, a convention)
     All your matrices are (n_out, n_in).
     yours            δᵀ z_prev
     the reference's  z_prevᵀ δ
     With it undone 1.0 σ are left; up to 16 σ are rounding.
     Example and look-alikes: gradient-diff explain convention_transposed"""
    )
    assert text.index("status") < text.index("What is wrong")


def test_what_nothing_explains_is_said(different: GradientDiff) -> None:
    lost = caused(different, unexplained=LOST)
    assert f"What is wrong\n  {LOST}\n" in to_text(lost, 110)
    assert f"### What is wrong\n\n{LOST}\n" in to_markdown(lost)
    assert json.loads(to_json(lost))["unexplained"] == LOST
    for page in (to_html(lost), to_cell(lost)):
        assert f"<p>{LOST}</p>" in page


def test_without_causes_nothing_is_said(match: GradientDiff) -> None:
    clean = caused(match)
    for text in (to_text(clean), to_markdown(clean), to_cell(clean).partition("</style>")[2]):
        assert "What is wrong" not in text
        assert "gd-causes" not in text
    data = json.loads(to_json(clean))
    assert (data["causes"], data["unexplained"]) == ([], "")


@pytest.mark.parametrize("width", [40, 60, 80])
def test_causes_wrap(different: GradientDiff, width: int) -> None:
    lines = to_text(caused(different, MEAN, CONVENTION, unexplained=LOST), width, ledger=False).splitlines()
    assert max(map(cell_len, lines)) <= width


def test_markdown_numbers_them(different: GradientDiff) -> None:
    text = to_markdown(caused(different, MEAN, KERNEL))
    assert (
        """\
### What is wrong

1. **The mean over the batch is missing (missing_batch_mean)**: Your gradients are 7 times the reference's; 7 is the \
batch size. Divide δ of the output by N, once.
   - written: `dE/dz = 2/K (z − y)`
   - right: `dE/dz = 2/(N·K) (z − y)`
   - With it undone 0.4 σ are left; up to 16 σ are rounding.
   - These data cannot tell it from stray_constant, accumulated; another batch size may.
   - Example and look-alikes: gradient-diff explain missing_batch_mean
2. **W of another layer is used, in dense_2 (wrong_kernel)**: dense_2: δ takes another W.
"""
        in text
    )


def test_json_holds_every_field_and_no_nan(different: GradientDiff) -> None:
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is no JSON")

    first, second = json.loads(to_json(caused(different, MEAN, KERNEL)), parse_constant=refuse)["causes"]
    assert first == dataclasses.asdict(MEAN) | {"same_as": ["stray_constant", "accumulated"], "together": []}
    assert second["residual"] == "NaN"


def test_csv_stays_as_it_is(different: GradientDiff) -> None:
    assert to_csv(caused(different, MEAN)) == to_csv(caused(different))


def _plain(html: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", html.partition("</style>")[2]).split())


def test_html_shows_causes_right_below_the_verdict_with_both_equations_side_by_side(different: GradientDiff) -> None:
    page = to_html(caused(different, MEAN, CONVENTION))
    assert page.index('role="status"') < page.index('class="answer"') < page.index('class="ladder"')
    assert page.count('gd-side-written">') == page.count('gd-side-right">') == 1
    text = _plain(page)
    assert "What is wrong The mean over the batch is missing (missing_batch_mean) Your gradients are 7 times" in text
    assert "as it was written dE/dz = 2/K (z − y) as it should be dE/dz = 2/(N·K) (z − y)" in text
    assert "yours δᵀ z_prev the reference&#39;s z_prevᵀ δ" in text


def test_each_diff_of_a_page_has_its_own_causes(different: GradientDiff, match: GradientDiff) -> None:
    from gradient_diff.render.html import report_page
    from gradient_diff.render.sections import Section

    page = report_page("Two", [Section("", diffs={"a": caused(different, MEAN), "b": caused(match)})])
    assert page.count('class="answer"') == 1
    assert page.index('id="diff-1-1"') < page.index('class="answer"') < page.index('id="diff-1-2"')


def test_hostile_text_is_shown_and_does_nothing(different: GradientDiff, hostile: str) -> None:
    cause = Cause(hostile, hostile, hostile, hostile, hostile, 1.0, (hostile,), hostile, False, hostile)
    diff = caused(different, cause, unexplained=hostile)
    for page in (to_html(diff), to_cell(diff)):
        assert "<script>" not in page
        assert "\x1b" not in page
    assert "\x1b" not in to_text(diff)
    for line in to_markdown(diff).splitlines():
        assert "<script>" not in line


def test_a_real_diagnosis_is_shown_everywhere() -> None:
    diff = compare({"w": -np.ones((2, 3))}, {"w": np.ones((2, 3))})
    assert diff.causes[0].id == "sign"
    for text in (to_text(diff), to_markdown(diff), to_json(diff), to_html(diff)):
        assert "sign" in text


def test_a_title_is_the_causes_own_then_that_of_the_list_and_never_the_id_twice() -> None:
    own = Cause("sign", "w", "w: …", "", "", 0.5, title="the minus is lost")
    assert name(own) == "The minus is lost, in w (sign)"
    assert name(Cause("not_in_the_list", "w", "w: …", "", "", 0.5)) == "Not in the list, in w"
