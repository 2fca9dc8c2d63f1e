"""Code that goes on and on is stopped, whatever it catches; NumPy's namespace is as it was, whatever happens."""

from __future__ import annotations

import contextlib
import json
import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.source import events
from gradient_diff.source.events import Run, TooLongError, current, watching
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.positions import in_library, is_users, take_for_own
from gradient_diff.source.recorded import Recorded, follow


def endless(x: Any) -> None:
    while True:
        with contextlib.suppress(Exception):  # as users do
            x = x * 1.0


def deep(x: Any) -> Any:
    return deep(x + 1.0)


@pytest.mark.parametrize("light", [False, True])
def test_too_many_events(monkeypatch: pytest.MonkeyPatch, light: bool) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 1000)
    run = Run(light=light)
    with pytest.raises(TooLongError), watching(run):
        endless(follow(np.ones(2)))
    assert run.count == 1001
    assert current() is None


def test_too_long() -> None:
    run = Run(light=True, ends=time.monotonic() + 0.05)
    with pytest.raises(TooLongError), watching(run):
        endless(follow(np.ones(2)))
    assert run.count < events.MOST_EVENTS


def test_an_endless_recursion_is_python_s() -> None:
    with pytest.raises(RecursionError), watching(Run(light=True)):
        deep(follow(np.ones(2)))
    assert current() is None


def wrong(x: Any) -> Any:
    return x @ x


@pytest.mark.parametrize("function", [wrong, deep, lambda x: np.zeros(3) + x, endless])
def test_names_mean_what_they_meant(function: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events, "MOST_EVENTS", 2000)
    space = {"zeros": np.zeros, "exp": math.exp, "mine": 3}
    before = dict(vars(np)), dict(vars(math)), dict(space), np.vectorize.__call__
    try:
        with recording_makers([space]), watching(Run()):
            assert space["zeros"] is not before[2]["zeros"]
            function(follow(np.ones((2, 3))))
    except (Exception, TooLongError):  # noqa: BLE001  # each ends in its own way
        pass
    assert (dict(vars(np)), dict(vars(math)), dict(space), np.vectorize.__call__) == before
    assert current() is None


def test_a_run_within_a_run_records_apart() -> None:
    outer, inner = Run(), Run()
    with watching(outer):
        x = follow(np.ones(2)) + 1
        with watching(inner):
            x = x * 2
        assert isinstance(x - 1, Recorded)
    assert [[e.operation for e in run.events] for run in (outer, inner)] == [["add", "subtract"], ["multiply"]]


def code_of(file: str, body: str = "def f(a):\n    return a * 2\n") -> Callable[..., Any]:
    space: dict[str, Any] = {"in_library": in_library, "np": np}
    exec(compile(body, file, "exec"), space)
    return space["f"]


def test_whose_code_it_is() -> None:
    assert is_users(code_of("net.py").__code__)
    assert is_users(code_of("<ipython-input-3>").__code__)
    for file in (np.__file__, json.__file__, "<string>", "/v/site-packages/other/a.py"):
        assert not is_users(code_of(file).__code__)


def test_a_library_gets_exact_types_unless_it_is_handed_over() -> None:
    drawing, own = code_of("/v/site-packages/drawing/a.py"), code_of("/v/site-packages/my_own_net/a.py")
    with watching(Run()) as run:
        x = follow(np.ones(2))
        assert type(drawing(x)) is np.ndarray
        assert type(own(x)) is np.ndarray
        take_for_own(own)
        assert type(own(x)) is Recorded
        assert type(code_of("/v/site-packages/scipy/a.py")(x)) is Recorded
    assert is_users(own.__code__)
    assert run.count == 2
