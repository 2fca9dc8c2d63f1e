from __future__ import annotations

import io

import pytest
from rich.cells import cell_len
from rich.console import Console

from gradient_diff.guide.page import page_of
from gradient_diff.guide.terminal import print_page
from gradient_diff.guide.words import LABELS, Language, label, said


def printed(name: str, width: int = 80, language: Language = "en") -> str:
    file = io.StringIO()
    print_page(page_of(name), Console(file=file, width=width, color_system=None), language)
    return file.getvalue()


@pytest.mark.parametrize("language", ["en", "ko"])
def test_all_parts_are_there_in_either_language(language: Language) -> None:
    text = printed("derivative_at_output", 120, language)
    assert [label(part, language) in text for part in LABELS] == [True] * len(LABELS)
    assert all(words in text for words in said("derivative_at_output", language))


def test_code_numbers_and_look_alikes_are_printed() -> None:
    text = printed("bias_mean")
    assert "\n  −     db2 = d2.mean(axis=0)\n  +     db2 = d2.sum(axis=0)\n" in text
    assert "\n  −     db2 = d2.mean(axis=1, keepdims=True)\n" in text
    assert "  dense_2/dE_dbias, hand (3,)\n" in text
    assert "  stray_constant: one gradient carries a stray constant\n" in text
    assert "kvfrans/notes#5" in text


@pytest.mark.parametrize("name", ["missing_batch_mean", "statistics_constant", "other_weights"])
def test_prose_is_folded_to_the_width(name: str) -> None:
    text = printed(name, 70)
    why = text.partition("Why people make it\n")[2].partition("\n\n")[0]
    assert max(map(cell_len, why.split("\n"))) <= 70


def test_what_no_code_makes_has_no_code_and_no_numbers() -> None:
    text = printed("loss_weights")
    assert "Multiply δ of each output by its entry of loss_weights." in text
    assert "samples in rows" not in text
    assert "In NumPy\n  It takes a model of several outputs, and the guide's small networks have one.\n" in text
    assert "check_gradients" in text
