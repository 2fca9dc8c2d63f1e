"""What is asked of code that is run with and without recording."""

from __future__ import annotations

import contextlib
import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.source.events import Run, watching
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.recorded import Number, Recorded, Scalar, follow, plain
from gradient_diff.source.subject import namespaces_of

Case = Callable[[Any, Any, Any], Any]
"""(W (4, 3), x (5, 4), v (3,)) → anything."""


def outcome(function: Case, given: list[Any], run: Run | None = None) -> tuple[Any, str, list[Any]]:
    """What it returned or raised, what it printed, and its arguments afterwards."""
    printed = io.StringIO()
    np.random.seed(0)  # noqa: NPY002  # users draw from here
    with contextlib.redirect_stdout(printed), np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)  # np.matrix has one, and users go on with it
        try:
            if run is None:
                result = function(*given)
            else:
                with recording_makers(namespaces_of(function)), watching(run):
                    result = function(*map(follow, given))
        except Exception as error:  # noqa: BLE001  # that, too, must be the same
            result = error
    return result, printed.getvalue(), given


def arguments(dtype: str) -> list[Any]:
    rng = np.random.default_rng(1)
    return [rng.normal(size=shape).astype(dtype) for shape in ((4, 3), (5, 4), (3,))]


def bits(value: Any) -> Any:
    """Something that is equal where every bit is; a result that still records is that which it stands for."""
    if isinstance(value, BaseException):
        return (type(value), *map(bits, value.args))
    if isinstance(value, Recorded | Number | Scalar):
        return bits(plain(value))
    if isinstance(value, np.ma.MaskedArray):
        return ("masked", bits(np.asarray(value.data)), bits(np.asarray(value.mask)))
    if isinstance(value, np.ndarray):
        content = [bits(v) for v in value.ravel().tolist()] if value.dtype.kind == "O" else value.tobytes()
        return (type(value).__name__, str(value.dtype), value.shape, content)
    if isinstance(value, float | np.generic):
        return (type(value).__name__, np.asarray(value).tobytes())
    if isinstance(value, dict):
        return {k: bits(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [type(value).__name__, *map(bits, value)]
    return value


def check(function: Case, dtype: str, silent: bool = False) -> None:
    """The same result, text printed and arguments afterwards; and recorded it was, unless it cannot be."""
    run = Run()
    without, with_it = outcome(function, arguments(dtype)), outcome(function, arguments(dtype), run)
    assert isinstance(without[0], Exception) is function.__name__.startswith("raises_")
    assert run.count or silent or dtype == "float32"  # numbers of float32 are not recorded
    assert bits(with_it[0]) == bits(without[0])
    assert with_it[1] == without[1]
    assert bits(with_it[2]) == bits(without[2])


@pytest.fixture
def unchanged() -> Callable[..., None]:
    """`check`."""
    return check
