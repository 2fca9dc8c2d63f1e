"""Names as parts of files, folders and links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_diff.names import lowered, node_words, plain_name, raised, readable_name


@pytest.mark.parametrize(
    ("text", "keep", "gap", "name"),
    [
        ("Loss: hand | tape", "", "_", "Loss_hand_tape"),
        ("dense_1/kernel", "_-", "_", "dense_1_kernel"),
        ("dense_1/kernel", "", "-", "dense-1-kernel"),
        ("tests/test_a.py::test_b[ü/2]", "._", "-", "tests-test_a.py-test_b-2-"),
        ("a]b^c\\d", "]", "_", "a]b_c_d"),
        ("", "", "_", ""),
    ],
)
def test_a_plain_name(text: str, keep: str, gap: str, name: str) -> None:
    assert plain_name(text, keep, gap) == name


@given(st.text())
def test_a_plain_name_is_ascii_and_has_no_two_gaps_in_a_row(text: str) -> None:
    name = plain_name(text, gap="-")
    assert name.isascii()
    assert "--" not in name
    assert all(c.isalnum() or c == "-" for c in name)


def test_a_readable_name_keeps_letters_of_any_script_composed() -> None:
    assert readable_name("../U\u0308nal 1", keep=".-") == ".._\u00dcnal_1"
    assert readable_name("層 <b>", gap="-") == "層--b-"


def test_numbers_beside_a_letter() -> None:
    assert (raised(-12), lowered(1034567892)) == ("⁻¹²", "₁₀₃₄₅₆₇₈₉₂")


@pytest.mark.parametrize(
    ("node", "words"),
    [
        ("loss", "E"),
        ("inputs/dE_dx", "dE/dx"),
        ("dense_1/dE_du", "δ of dense_1"),
        ("dense_1/dE_dkernel", "dE/dW of dense_1"),
        ("dense_1/f′", "f′ of dense_1"),
        ("dense_1/kernel after the step", "W of dense_1 after the step"),
        ("θ", "θ"),
    ],
)
def test_a_node_in_words(node: str, words: str) -> None:
    assert node_words(node) == words
