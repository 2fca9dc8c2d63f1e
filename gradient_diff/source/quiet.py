"""A user's code is run once more for our own sake: it prints nothing, warns of nothing, and draws what it drew."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np


@contextmanager
def quietly() -> Iterator[None]:
    """What the code prints it has printed before; what it draws at random next is not changed by us."""
    with (
        same_draws(),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield


@contextmanager
def same_draws() -> Iterator[None]:
    """The generators that all share go back to where they were: a run that is repeated draws the same."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002  # the user's, which we leave as they were
    try:
        yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002
