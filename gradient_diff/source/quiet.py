"""A user's code is run once more for our own sake: it prints nothing, warns of nothing, and draws what it drew."""

from __future__ import annotations

import contextlib
import io
import random
import warnings
from collections.abc import Callable, Iterator
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
def same_draws() -> Iterator[Callable[[], bool]]:
    """The generators that all share go back to where they were: a run that is repeated draws the same.

    What it gives says whether anything was drawn.
    """
    random_state, state = random.getstate(), np.random.get_state()  # noqa: NPY002  # the user's, which we leave as they were

    def drawn() -> bool:
        now = np.random.get_state()  # noqa: NPY002
        moved = any(not np.array_equal(a, b) for a, b in zip(state, now, strict=True))
        return moved or random.getstate() != random_state

    try:
        yield drawn
    finally:
        random.setstate(random_state)
        np.random.set_state(state)  # noqa: NPY002
