"""Files are named without their folders; what is no file stays as it is said."""

import pytest

from gradient_diff.result.code import bare, origin_name


@pytest.mark.parametrize(
    ("origin", "told"),
    [
        ("/users/ann b/mine.npz", "mine.npz"),
        ("C:\\ann\\net.PY", "net.PY"),
        ("a/b.weights.h5", "b.weights.h5"),
        ("keras eager, a step of 1/2", "keras eager, a step of 1/2"),
        ("given arrays", "given arrays"),
    ],
)
def test_an_origin_that_is_a_file_loses_its_folders(origin: str, told: str) -> None:
    assert origin_name(origin) == told


def test_a_bare_name_has_no_folder_of_any_system() -> None:
    assert (bare("/a/b.py"), bare("a\\b.py"), bare("b.py")) == ("b.py", "b.py", "b.py")
