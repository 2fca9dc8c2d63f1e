"""One example of each mistake, for those who ask what it is."""

from __future__ import annotations

from gradient_diff.diagnosis.catalogue import CONVENTIONS, MISTAKES
from gradient_diff.diagnosis.examples import example_of


def test_each_mistake_is_made_and_named_somewhere() -> None:
    examples = {name: example_of(name) for name in MISTAKES}
    assert [name for name, example in examples.items() if example is None or example.cause.id != name] == []


def test_a_net_is_told_in_words_and_the_equations_are_those_of_the_diagnosis() -> None:
    example = example_of("dropout_mask_missing")
    assert example is not None
    assert example.net == "7-5-dropout 0.3-3, mean_squared_error, batch 11"
    assert (example.cause.written, example.cause.right) == ("dE/dz_prev = dE/dz", "dE/dz_prev = dE/dz ⊙ m")


def test_what_parameter_gradients_cannot_show_has_no_example() -> None:
    assert [name for name in CONVENTIONS if example_of(name) is None] == ["mean_in_kernel"]
    assert example_of("unheard_of") is None
