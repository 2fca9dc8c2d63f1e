from __future__ import annotations

import warnings

import pytest

from experiments.support.error_text import error_text


def failing(text: str, kind: type[Exception] = ValueError) -> object:
    raise kind(text)


def test_colours_line_breaks_and_the_list_of_arguments_are_left_out() -> None:
    text = "Exception encountered.\n\n\x1b[1mInput 0 is wrong\x1b[0m\n\nArguments received by call():\n  • inputs=1"
    assert error_text(lambda: failing(text)) == "ValueError: Exception encountered. Input 0 is wrong"


def test_no_error_is_said() -> None:
    assert error_text(lambda: 1) == "no error"


def test_a_warning_is_no_error() -> None:
    assert error_text(lambda: warnings.warn("old", stacklevel=1)) == "no error"


def test_other_errors_pass() -> None:
    with pytest.raises(RuntimeError, match="broken"):
        error_text(lambda: failing("broken", RuntimeError))
