"""`gradient-diff explain`: what a report's mistake is."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from gradient_diff import MISTAKES
from gradient_diff.cli import app
from gradient_diff.diagnosis.settings import SETTINGS


def call(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(app(), ["explain", *arguments], env={"COLUMNS": "140", "NO_COLOR": "1", "TERM": "dumb"})
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, " ".join(re.sub(r"[─-╿]", " ", result.stderr).split())


def test_title_equation_cure_and_look_alikes_are_printed() -> None:
    expected = (
        "f′ of the output is left out (output_derivative_dropped; family: activation)\n"
        "Equation: δ = dE/dz ⊙ f′(u)\n"
        "For example in 5-5-5-5-3, quadratic_cost, batch 11, dense_4:\n"
        "  written  δ = dE/dz\n"
        "  right    δ = dE/dz ⊙ z(1 − z)\n"
        "Cure: Only a matching cross-entropy cancels it.\n"
        "On some data it looks like other_loss; another batch size, widths that are pairwise different primes, or a "
        "second step may tell them apart.\n"
    )
    assert call("output_derivative_dropped") == (0, expected, "")


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_has_its_equation_and_its_cure(name: str) -> None:
    code, text, _ = call(name)
    assert code == 0
    assert MISTAKES[name].title[1:] in text
    assert f"Equation: {MISTAKES[name].equation}" in text
    assert f"Cure: {MISTAKES[name].cure}" in text
    assert not MISTAKES[name].alike or f"it looks like {', '.join(MISTAKES[name].alike)}; " in text
    assert re.search(r"^  written  .+\n  right    .+$", text, re.MULTILINE)
    assert "may tell them apart." in text


@pytest.mark.parametrize("name", SETTINGS)
def test_what_only_keras_can_try_has_its_equation_and_its_cure_too(name: str) -> None:
    code, text, _ = call(name)
    assert code == 0
    assert f"Equation: {SETTINGS[name].equation}" in text
    assert f"Cure: {SETTINGS[name].cure}" in text


def test_a_convention_is_called_one() -> None:
    code, text, _ = call("convention_transposed")
    assert code == 0
    assert "(convention_transposed; a convention, no mistake)" in text
    assert "  yours    dE/dW = δᵀ z_prev\n  the reference's dE/dW = z_prevᵀ δ\n" in text


def test_all_are_listed_without_a_name() -> None:
    code, text, _ = call()
    assert code == 0
    assert [line.split()[0] for line in text.splitlines()][: len(MISTAKES)] == list(MISTAKES)
    assert re.search(r"^mean_in_kernel +1/N in dE/dW instead of in δ \(a convention, no mistake\)$", text, re.MULTILINE)


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
