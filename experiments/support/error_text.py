"""What a call says when it fails: the text of an error as part of a result."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def error_text(call: Callable[[], object]) -> str:
    """Run a call that is expected to fail, and say how it did."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the error is what is asked for
            call()
    except (TypeError, ValueError) as error:
        text = _COLOUR.sub("", str(error)).split("\n\nArguments received by")[0]
        return f"{type(error).__name__}: {' '.join(text.split())}"
    return "no error"
