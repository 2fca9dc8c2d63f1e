"""Letters in plain words: the cause, the line, the cure, in English and in Korean, for each outcome."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, compare
from gradient_diff.desk.letters import WORDS, letter, renames
from gradient_diff.guide.words import Language
from gradient_diff.render.sheet import ticked
from gradient_diff.render.summary import summary_line, unreadable
from manual_mlp import MLP, Array, Dense, Evaluation

LANGUAGES: tuple[Language, ...] = ("en", "ko")


@pytest.fixture(scope="module")
def right() -> Evaluation:
    mlp, rng = MLP(4, [Dense(5, "sigmoid"), Dense(3)]), np.random.default_rng(0)
    weights = mlp.initialize(rng, "glorot_normal", "normal(0.3)")
    return mlp.backpropagate(weights, rng.normal(size=(7, 4)), rng.normal(size=(7, 3)), "mse")


def _told(hand: dict[str, Array], right: Evaluation, language: Language = "en") -> tuple[str, GradientDiff]:
    diff = compare(hand, right)
    return letter(summary_line("class/anna.npz", diff), diff, language), diff


def test_every_word_is_there_in_both_languages() -> None:
    for english, korean in WORDS.values():
        assert english.count("{}") == korean.count("{}")
        assert english.isascii() or "–" in english
        assert re.search("[가-힣]", korean)


@pytest.mark.parametrize(("language", "words"), [("en", "are right"), ("ko", "모두 맞습니다")])
def test_who_is_right_is_told_so(right: Evaluation, language: Language, words: str) -> None:
    text, _ = _told(dict(right.gradients), right, language)
    assert text.startswith("# anna.npz\n\n")
    assert words in text


@pytest.mark.parametrize(
    ("language", "words"),
    [
        (
            "en",
            (
                "One thing is wrong:",
                "**The sign is turned round**",
                "What to do",
                "explain sign",
                "[the field guide](../guide/sign.html)",
            ),
        ),
        (
            "ko",
            (
                "틀린 곳이 하나 있습니다",
                "**부호가 반대다**",
                "고치는 법",
                "explain sign",
                "[현장 안내서](../guide/sign.html)",
            ),
        ),
    ],
)
def test_a_cause_comes_with_its_cure(right: Evaluation, language: Language, words: tuple[str, ...]) -> None:
    text, _ = _told({n: -g for n, g in right.gradients.items()}, right, language)
    assert all(word in text for word in words)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_nobody_knows_is_said_with_where_it_begins(right: Evaluation, language: Language) -> None:
    rng = np.random.default_rng(1)
    text, diff = _told({n: g + rng.normal(size=g.shape) for n, g in right.gradients.items()}, right, language)
    assert not diff.causes
    assert "dE/dW of dense_2" in text


def test_names_that_fit_by_shape_alone_are_told(right: Evaluation) -> None:
    hand = {**right.gradients, "mine": right.gradients["dense_1/bias"]}
    del hand["dense_1/bias"]
    text, diff = _told(hand, right)
    assert diff.verdict is Status.MISSING
    assert renames(diff) == [("mine", "dense_1/bias")]
    assert "mine → dense\\_1/bias" in text or "mine → dense_1/bias" in text


def test_where_shapes_leave_a_choice_nothing_is_guessed() -> None:
    hand = {"a": np.ones(2), "b": np.ones(2)}
    assert renames(compare(hand, {"c": np.ones(2), "d": np.ones(2)}, rtol=1e-6)) == []


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        (lambda b: b[:2], Status.SHAPE, "A shape does not fit, in dE/db of dense_2"),
        (lambda b: b * np.nan, Status.NONFINITE, "NaN or Inf, in dE/db of dense_2"),
    ],
)
def test_what_is_seen_before_any_value(right: Evaluation, change, status: Status, words: str) -> None:  # type: ignore[no-untyped-def]
    hand = {**right.gradients, "dense_2/bias": change(right.gradients["dense_2/bias"])}
    text, diff = _told(hand, right)
    assert diff.verdict is status
    assert words in text


def test_rows_that_prove_nothing_are_named(right: Evaluation) -> None:
    zero = {n: np.zeros_like(g) for n, g in right.gradients.items()}
    diff = compare(zero, zero, rtol=1e-6)
    text = letter(summary_line("a.npz", diff), diff)
    assert "prove nothing" in text
    assert "All of your gradients are right" not in text


def test_what_cannot_be_read_is_told_why_and_no_name_breaks_out() -> None:
    line = unreadable("a/[b](http:x)<i>.npz", "it is <b>empty</b>")
    text = letter(line, None)
    assert "could not be compared" in text
    assert "<" not in text
    assert "[b](" not in text


def test_code_of_his_stays_in_its_fence(right: Evaluation) -> None:
    def derivation(parameters: dict[str, Array], x: Array, y: Array) -> dict[str, Array]:
        W1, b1, W2, b2 = parameters.values()
        z = 1 / (1 + np.exp(-(x @ W1 + b1)))
        d2 = 2 * (z @ W2 + b2 - y) / y.size
        d1 = d2 @ W2.T * z  # ```
        return dict(zip(parameters, (x.T @ d1, d1.sum(0), z.T @ d2, d2.sum(0)), strict=True))

    diff = compare(derivation, right)
    text = letter(replace(summary_line("mine.py", diff), report="mine/report.html"), diff)
    assert "**Where**: test" in text
    assert "\n````diff\n" in text or "\n```diff\n" in text
    assert text.rstrip().endswith("[mine/report.html](../mine/report.html)")


def test_a_letter_says_by_how_much(right: Evaluation) -> None:
    text, _ = _told({name: 3 * g for name, g in right.gradients.items()}, right)
    assert "your gradients are 3 = K times the reference's" in text.replace("Your", "your")
    assert "3 = K" not in _told({name: 3 * g for name, g in right.gradients.items()}, right, "ko")[0]


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("`a * b` is x_1*", "`a * b` is x_1\\*"),
        ("one ` alone", "one \\` alone"),
        ("`` nothing", "\\`\\` nothing"),
        ("<b> `<b>`", "&lt;b&gt; `<b>`"),
    ],
)
def test_code_in_a_sentence_stays_code(said: str, written: str) -> None:
    assert ticked(said) == written
