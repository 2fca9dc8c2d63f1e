"""What is asked of code that is run with and without recording."""

from __future__ import annotations

import contextlib
import io
import linecache
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff.source.answers import Answers
from gradient_diff.source.events import Run, watching
from gradient_diff.source.guilt import find_guilty
from gradient_diff.source.known import Known
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.recorded import Number, Recorded, Scalar, follow, plain
from gradient_diff.source.subject import namespaces_of, subject_of
from gradient_diff.source.text import Source
from gradient_diff.source.tracing import trial_of
from gradient_diff.source.trial import Trial
from manual_mlp import MLP, Dense, Problem

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


MATRICES = """import numpy as np


def s(u):
    return 1 / (1 + np.exp(-u))


def slope(z):
    return z * (1 - z)


def gradients(p, x, y):
    W1, b1, W2, b2 = p.values()
    z1 = s(x @ W1 + b1)
    z2 = z1 @ W2 + b2
    d2 = 2 * (z2 - y) / y.size
    dW2 = z1.T @ d2
    db2 = d2.sum(axis=0)
    d1 = d2 @ W2.T * slope(z1)
    dW1 = x.T @ d1
    db1 = d1.sum(axis=0)
    return dict(zip(p, (dW1, db1, dW2, db2)))
"""
"""A right derivation of `problem`."""


@pytest.fixture(scope="session")
def matrices() -> str:
    return MATRICES


@pytest.fixture(scope="session")
def problem() -> Problem:
    """Four inputs, three sigmoids, two linear outputs, five samples, mse."""
    mlp, rng = MLP(4, [Dense(3, "sigmoid"), Dense(2)]), np.random.default_rng(0)
    parameters = mlp.initialize(0, "glorot_normal", "normal(0.3)")
    return mlp.problem(parameters, rng.normal(size=(5, 4)), rng.normal(size=(5, 2)), "mse")


@pytest.fixture(scope="session")
def known(problem: Problem) -> Known:
    return Known(problem)


Changes = tuple[str, str]
"""What stands once in a text, and what is written instead."""


@pytest.fixture
def written(tmp_path: Path) -> Callable[..., dict[str, Any]]:
    """(text, *changes) → the names of a file that a user wrote so."""

    def write(text: str, *changes: Changes) -> dict[str, Any]:
        for right, wrong in changes:
            assert text.count(right) == 1, right
            text = text.replace(right, wrong)
        file = tmp_path / "mine.py"
        file.write_text(text, encoding="utf-8")
        linecache.checkcache(str(file))
        names: dict[str, Any] = {"__name__": "mine"}
        exec(compile(text, str(file), "exec"), names)
        return names

    return write


@pytest.fixture
def tried(written: Callable[..., dict[str, Any]], problem: Problem) -> Callable[..., Trial]:
    """(text, *changes) → a trial of its `gradients`, on `problem` or on another."""

    def try_it(text: str, *changes: Changes, on: Problem = problem) -> Trial:
        return trial_of(subject_of(written(text, *changes)["gradients"], Answers()), on)

    return try_it


@pytest.fixture
def blamed(tried: Callable[..., Trial]) -> Callable[..., list[tuple[str, str]]]:
    """(text, *changes) → (the expression, what it should be) of each mistake found."""

    def blame(*given: Any, **more: Any) -> list[tuple[str, str]]:
        return [(_text(s.place), (s.argument or s).form.node) for s in find_guilty(tried(*given, **more))]

    return blame


def _text(place: Any) -> str:
    source = Source.of(place.code)
    assert source is not None
    return source.at(place.span)
