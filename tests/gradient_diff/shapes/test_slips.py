"""What happened to a shape, told from the shape alone."""

import pytest

from gradient_diff.shapes.slips import slip

KERNEL = {"batch": 100, "inputs": 784, "units": 50}


@pytest.mark.parametrize(
    ("given", "target", "kind", "lengths", "name"),
    [
        ((100, 50), (50,), "", {}, "batch_not_summed"),
        ((100, 784, 50), (784, 50), "", {}, "per_sample"),
        ((50, 784), (784, 50), "", KERNEL, "transposed_convention"),
        ((50, 100), (100, 50), "", KERNEL, "transposed"),
        ((1, 50), (50,), "", {}, "keepdims"),
        ((50,), (50, 1), "", {}, "keepdims"),
        ((7, 7), (7, 1), "", {}, "broadcast"),
        ((7, 7), (7,), "broadcast", {}, "broadcast"),
        ((7, 7), (7,), "", {}, "batch_not_summed"),
        ((3, 4), (4, 5), "elementwise", {}, "elementwise"),
        ((100,), (50,), "", KERNEL, "wrong_axis"),
        ((2,), (50,), "", {"batch": 100, "units": 50}, "wrong_length"),
        ((100,), (50,), "", {"batch": 100, "units": 50}, "wrong_axis"),
        ((784,), (784, 50), "", {}, "wrong_axis"),
        ((), (784, 50), "", {}, "summed_over_all"),
    ],
)
def test_each_slip_is_known_by_its_shape(
    given: tuple[int, ...], target: tuple[int, ...], kind: str, lengths: dict[str, int], name: str
) -> None:
    found = slip(given, target, kind, lengths)
    assert found is not None
    assert found.id == name
    assert str(found) == found.message
    assert found.brief


@pytest.mark.parametrize(("given", "target"), [((50,), (50,)), ((3, 4), (5, 6)), ((9,), (3, 4))])
def test_what_is_right_or_unusual_is_no_slip(given: tuple[int, ...], target: tuple[int, ...]) -> None:
    assert slip(given, target) is None


def test_the_words_name_shape_and_cure() -> None:
    words = "(50, 784) is (n_out, n_in), the transposed convention. Keras's kernels are (n_in, n_out): transpose it."
    assert str(slip((50, 784), (784, 50))) == words
