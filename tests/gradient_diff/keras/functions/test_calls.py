"""What is wrong, found in the texts of Keras and TensorFlow."""

from __future__ import annotations

import pytest

from gradient_diff.keras.functions.calls import first_line


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError("no.\nmore"), "ValueError: no"),
        (KeyError("a"), "KeyError: 'a'"),
        (RuntimeError(), "RuntimeError"),
        (ValueError("Exception encountered when calling A.call().\n\n\x1b[1mno\x1b[0m\n\nArguments"), "ValueError: no"),
        (TypeError("Error when deserializing class 'A'.\n\nException encountered: no"), "TypeError: no"),
        (
            ValueError("in user code:\n\n    File a, line 1\n        b\n\n    KeyError: no\n"),
            "ValueError: KeyError: no",
        ),
        (ValueError("\x1b[1m{{function_node a}} no [Op:MatMul] name: \x1b[0m"), "ValueError: no"),
    ],
)
def test_the_line_that_says_it(error: Exception, line: str) -> None:
    assert first_line(error) == line
