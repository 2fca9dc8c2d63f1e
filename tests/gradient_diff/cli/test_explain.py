"""`gradient-diff explain`: what a report's mistake is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gradient_diff import MISTAKES
from gradient_diff.cli import app
from gradient_diff.diagnosis.settings import SETTINGS
from gradient_diff.guide.words import RECORDS


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app(), ["explain", *arguments], env={"COLUMNS": "140", "NO_COLOR": "1", "TERM": "dumb"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, " ".join(re.sub(r"[─-╿]", " ", result.stderr).split())


def test_a_page_goes_from_the_name_over_formula_code_and_numbers_to_where_it_was_met() -> None:
    code, text, told = call("output_derivative_dropped")
    assert (code, told) == (0, "")
    assert text.startswith("f′ of the output is left out\noutput_derivative_dropped · Family: activation.\n")
    for part in (
        "What to do\n  Only a matching cross-entropy cancels it.\n",
        "The right formula\n  δ = dE/dz ⊙ f′(u)\n",
        "  written  δ = dE/dz\n  right    δ = dE/dz ⊙ z(1 − z)\n",
        "  −     d2 = 2 * (z2 - y) / (N * K)\n  +     d2 = 2 * (z2 - y) / (N * K) * z2 * (1 - z2)\n",
        "  On 7-5-3, mean_squared_error, batch 11:\n",
        "  other_loss: it is the gradient of another loss\n",
        "  What may tell them apart: another batch size, widths that are pairwise different primes, or a second step",
    ):
        assert part in text


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_equation_and_its_cure(name: str) -> None:
    code, text, _ = call(name)
    assert code == 0
    assert MISTAKES[name].title[1:] in text
    assert f"\n  {MISTAKES[name].equation}\n" in text
    assert MISTAKES[name].cure in text
    assert [other for other in MISTAKES[name].alike if f"\n  {other}: " not in text] == []
    assert re.search(r"^  written  .+\n  right    .+$", text, re.MULTILINE)


@pytest.mark.parametrize("name", SETTINGS)
def test_what_only_keras_can_try_has_its_equation_and_its_cure_too(name: str) -> None:
    code, text, _ = call(name)
    assert code == 0
    assert SETTINGS[name].equation in text
    assert SETTINGS[name].cure in text


def test_a_convention_is_called_one() -> None:
    code, text, _ = call("convention_transposed")
    assert code == 0
    assert "convention_transposed · A convention, no mistake: a comparison undoes it, and says so.\n" in text


def test_all_are_listed_without_a_name() -> None:
    code, text, _ = call()
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()][: len(MISTAKES)] == list(MISTAKES)
    assert re.search(r"^mean_in_kernel +1/N in dE/dW instead of in δ \(a convention, no mistake\)$", text, re.MULTILINE)


def test_the_list_and_a_page_are_korean_where_that_is_asked_for() -> None:
    assert re.search(r"^sign +부호가 반대다$", call("--lang", "ko")[1], re.MULTILINE)
    assert call("sign", "--lang", "ko")[1].startswith("부호가 반대다\n")


def test_as_json_all_is_data_and_one_is_one() -> None:
    listed = json.loads(call("--format", "json")[1])
    assert [record["id"] for record in listed] == list(RECORDS)
    one = json.loads(call("sign", "--format", "json", "--lang", "ko")[1])
    assert (one["id"], one["title"], one["alike"]) == ("sign", "부호가 반대다", ["derivative_sign"])


def test_the_guide_is_written_into_a_folder(tmp_path: Path) -> None:
    code, text, _ = call("--all", "--out", str(tmp_path / "guide"))
    assert (code, text) == (0, f"{tmp_path / 'guide' / 'index.html'}\n")
    assert (tmp_path / "guide" / "sign.html").exists()


@pytest.mark.parametrize("arguments", [["--all"], ["--out", "x"], ["sign", "--all", "--out", "x"]])
def test_the_guide_needs_both_options_and_no_name(arguments: list[str]) -> None:
    code, text, told = call(*arguments)
    assert (code, text) == (4, "")
    assert "The field guide is written by `gradient-diff explain --all --out FOLDER`, without an ID." in told


def test_a_folder_of_somebody_else_s_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    code, _, told = call("--all", "--out", str(tmp_path))
    assert code == 4
    assert "holds files that gradient-diff did not write" in told


@pytest.mark.parametrize(
    ("given", "nearest"),
    [
        ("derivative-wrnog", "derivative_wrong"),
        ("#transposed", "transposed"),
        ("Sign", "sign"),
        ("softmax", "softmax_elementwise"),
    ],
)
def test_an_unknown_name_gets_the_nearest_one(given: str, nearest: str) -> None:
    code, text, told = call(given)
    assert (code, text) == (4, "")
    assert f"There is no mistake '{given}'. Did you mean '{nearest}'? `gradient-diff explain` lists all." in told


@pytest.mark.parametrize("given", ["xyzzy", ""])
def test_a_name_like_no_other_gets_no_suggestion(given: str) -> None:
    code, _, told = call(given)
    assert code == 4
    assert f"There is no mistake '{given}'. `gradient-diff explain` lists all." in told
