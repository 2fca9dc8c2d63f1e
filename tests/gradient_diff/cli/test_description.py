import pytest

from gradient_diff.cli.description import read_network, read_widths
from manual_mlp import MLP, Dense

EXPECTED = "Expected widths joined by '-', from the inputs to the outputs, such as 784-50-100-10."


def test_widths_are_read() -> None:
    assert read_widths("784-50-100-10") == [784, 50, 100, 10]
    assert read_widths(" 1-1 ") == [1, 1]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("784-", "'784-': a width is missing."),
        ("-784", "'-784': a width is missing."),
        ("784--10", "'784--10': a width is missing."),
        ("", "'': a width is missing."),
        ("784-abc", "'784-abc': 'abc' is no whole number."),
        ("784-5.0", "'784-5.0': '5.0' is no whole number."),
        ("784-²", "'784-²': '²' is no whole number."),
        ("784,50", "'784,50': '784,50' is no whole number."),
        ("784-0-10", "'784-0-10': a layer of 0 units computes nothing."),
        ("0-10", "'0-10': a layer of 0 units computes nothing."),
        ("784", "'784' has one width, so no layer."),
    ],
)
def test_what_is_no_description_is_refused_with_what_is_expected(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="Expected widths") as error:
        read_widths(text)
    assert str(error.value) == f"{message} {EXPECTED}"


@pytest.mark.parametrize(
    ("loss", "last"),
    [
        ("mse", "linear"),
        ("categorical_crossentropy", "softmax"),
        ("sparse_categorical_crossentropy", "softmax"),
        ("bce", "sigmoid"),
    ],
)
def test_the_output_has_the_activation_of_its_loss(loss: str, last: str) -> None:
    assert read_network("4-3-2", "tanh", loss) == MLP(4, [Dense(3, "tanh"), Dense(2, last)])
