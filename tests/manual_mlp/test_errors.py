from manual_mlp import ShapeError
from manual_mlp.errors import lines, unknown_name


def test_a_shape_error_is_a_value_error() -> None:
    assert issubclass(ShapeError, ValueError)


def test_the_nearest_name_is_suggested_whatever_the_case() -> None:
    assert str(unknown_name("colour", "GREN", ["red", "green"])) == (
        "Unknown colour 'GREN'. Did you mean 'green'? Known: green, red."
    )


def test_a_name_far_from_all_gets_the_list_alone() -> None:
    assert str(unknown_name("colour", 7, ["red", "green"])) == "Unknown colour 7. Known: green, red."


def test_details_are_aligned_below_the_head() -> None:
    assert lines("Head.", ("a", "1"), ("long", "2"), "Cure: none.") == "Head.\n  a     1\n  long  2\n  Cure: none."
    assert lines("Head.", "Cure: none.") == "Head.\n  Cure: none."
