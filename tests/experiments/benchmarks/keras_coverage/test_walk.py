"""The walk over all that the installed Keras exports; and that it would see what it looks for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.benchmarks.keras_coverage import walk as walking
from experiments.benchmarks.keras_coverage.case import Make, above, chain, prepared
from experiments.benchmarks.keras_coverage.names import Entry, entries
from experiments.benchmarks.keras_coverage.study import MOST_REFUSED, by_way, ways_of
from experiments.benchmarks.keras_coverage.walk import (
    HOUSE,
    Start,
    Step,
    Way,
    gradients_of,
    is_of_the_house,
    one_percent_off,
    walk,
)
from gradient_diff import Status
from gradient_diff.keras import check_gradients

# isort: split
import keras
from keras import layers

ENTRIES = {str(entry): entry for entry in entries()}


@cache
def step_of(title: str) -> Step:
    return walk(ENTRIES[title])


def titles() -> Iterator[Any]:
    """The everyday part belongs to the quick tests."""
    for title, entry in ENTRIES.items():
        yield pytest.param(title, marks=() if entry.everyday else pytest.mark.slow, id=title)


@pytest.mark.matrix(most=6)
@pytest.mark.parametrize("title", list(titles()))
def test_right_gradients_match_and_wrong_ones_do_not(title: str) -> None:
    step = step_of(title)
    assert step.ok, f"{', '.join(step.failed)}: {step.reason}"


@pytest.mark.slow
def test_hardly_anything_is_refused(record_property: Callable[[str, object], None]) -> None:
    """And each with its reason. The table of all names is printed below the tests."""
    steps = [step_of(title) for title in ENTRIES]
    record_property("printed", f"What of Keras can be checked\n{by_way(steps).to_string(index=False)}")
    refused = {name for name, way in ways_of(steps).items() if way is Way.REFUSED}
    carrying = {name for name, way in ways_of(steps).items() if way is not Way.NOTHING}
    assert len(refused) <= MOST_REFUSED * len(carrying), sorted(refused)
    assert all(step.reason for step in steps if step.way in (Way.REFUSED, Way.NOTHING))


def entry(make: Make = lambda: chain(layers.Dense(3)), name: str = "Dense") -> Entry:
    return Entry("layers", name, "", make)


class TestTheWalkSees:
    """What it is for; each is planted."""

    def planted(self, monkeypatch: pytest.MonkeyPatch, plant: Any) -> Step:
        monkeypatch.setattr(walking, "check_gradients", plant)
        return walk(entry())

    def test_nothing_where_all_is_right(self) -> None:
        step = walk(entry())
        assert (step.way, step.right, step.twice, step.one_percent) == (
            Way.EQUATIONS,
            "MATCH",
            "MISMATCH",
            "MISMATCH",
        )
        assert step.ok
        assert step.seconds > 0
        assert step.eager == pytest.approx(step.seconds / step.gradients)

    def test_a_right_gradient_that_is_accused(self, monkeypatch: pytest.MonkeyPatch) -> None:
        step = self.planted(monkeypatch, lambda m, x, y, g: check_gradients(m, x, y, [1.1 * a for a in g]))
        assert step.failed == ("right",)
        assert step.reason.startswith("MISMATCH dense")

    def test_a_wrong_gradient_that_passes(self, monkeypatch: pytest.MonkeyPatch) -> None:
        right = gradients_of(prepared(entry().make))
        step = self.planted(monkeypatch, lambda m, x, y, g: check_gradients(m, x, y, right))
        assert step.failed == ("twice", "one percent")

    def test_a_slip_that_a_generous_tolerance_hides(self, monkeypatch: pytest.MonkeyPatch) -> None:
        step = self.planted(monkeypatch, lambda m, x, y, g: check_gradients(m, x, y, g, rtol=0.02))
        assert step.failed == ("one percent",)

    def test_that_the_model_is_blamed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def blames(m: Any, x: Any, y: Any, g: Any) -> Any:
            diff = check_gradients(m, x, y, g)
            off = (replace(r, status=Status.REFERENCE_OFF) if r.status.bad else r for r in diff.rows)
            return replace(diff, rows=tuple(off))

        assert self.planted(monkeypatch, blames).failed == ("twice", "one percent")

    def test_a_crash(self, monkeypatch: pytest.MonkeyPatch) -> None:
        step = self.planted(monkeypatch, lambda m, x, y, g: {}["nothing"])
        assert (step.way, step.failed, step.reason) == (
            Way.CRASH,
            ("right", "twice", "one percent"),
            "KeyError: 'nothing'; twice: KeyError: 'nothing'; one percent: KeyError: 'nothing'",
        )

    def test_a_refusal_of_the_house_s(self, monkeypatch: pytest.MonkeyPatch) -> None:
        step = self.planted(monkeypatch, lambda m, x, y, g: check_gradients(m, x, y, [*g, g[0]]))
        assert (step.way, step.right, step.twice, step.failed) == (Way.REFUSED, "refused", "", ())
        assert step.reason.startswith("ValueError: gradients")

    def test_a_model_that_is_changed(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def moves(m: Any, x: Any, y: Any, g: Any) -> Any:
            diff = check_gradients(m, x, y, g)
            m.weights[0].assign_add(m.weights[0] * 0 + 1)
            return diff

        step = self.planted(monkeypatch, moves)
        assert step.failed == ("unchanged",)
        assert step.reason.endswith("/kernel")

    def test_gradients_that_are_other_ones_each_time(self) -> None:
        """Nothing could be said of them."""
        draws = np.random.default_rng(0)
        step = walk(entry(lambda: above(layers.Lambda(lambda z: z * draws.normal()), (4,))))
        assert (step.way, step.failed) == (Way.CRASH, ("right",))

    def test_that_a_layer_lets_nothing_through_though_nobody_said_so(self) -> None:
        def make() -> Any:
            return above(layers.Lambda(keras.ops.round), (4,))

        assert walk(entry(make)).failed == ("right",)
        known = walk(entry(make, "RandomHue"))
        assert (known.way, known.ok) == (Way.NOTHING, True)


@pytest.mark.parametrize(("factor", "visible"), [(1.0, True), (1e5, False)])
def test_one_percent_is_asked_for_where_rounding_does_not_hide_it(factor: float, visible: bool) -> None:
    """Of the sine of a large number the last digits decide."""
    case = prepared(lambda: above(layers.Lambda(lambda z: keras.ops.sin(factor * z)), (4,)))
    start = Start.of(case.model)
    right = start.again(lambda: gradients_of(case))
    slight, found = one_percent_off(case, start, right)
    assert found is visible
    changed = [(a != b).sum() for a, b in zip(slight, right, strict=True)]
    assert sum(changed) == 1
    assert max(np.abs(a - b).max() for a, b in zip(slight, right, strict=True)) == pytest.approx(
        0.01 * max(np.abs(g).max() for g in right), rel=1e-4
    )


@pytest.mark.parametrize(
    ("line", "file", "own"),
    [
        ("raise ValueError('x is no array.')", HOUSE[0] / "planted.py", True),
        ("raise TypeError('x is no array.')", HOUSE[1] / "planted.py", True),
        ("raise KeyError('x')", HOUSE[0] / "planted.py", False),  # no way out in it
        ("int('x')", HOUSE[0] / "planted.py", False),  # raised by what the house calls, in C
        ("np.reshape(np.ones(2), 3)", HOUSE[0] / "planted.py", False),  # in Python
        ("raise ValueError('x is no array.')", HOUSE[0].parent / "keras" / "planted.py", False),
    ],
)
def test_an_error_is_of_the_house_only_if_the_house_raised_it(line: str, file: Path, own: bool) -> None:
    with pytest.raises(Exception) as caught:  # noqa: PT011  (of any kind)
        exec(compile(line, str(file), "exec"), {"np": np})
    assert is_of_the_house(caught.value) is own
    assert not is_of_the_house(ValueError("never raised"))


def test_draws_states_and_weights_are_put_back() -> None:
    case = prepared(lambda: chain(layers.SpectralNormalization(layers.Dense(3)), layers.Dropout(0.5)))
    start = Start.of(case.model)
    first, again = (start.again(lambda: gradients_of(case)) for _ in range(2))
    np.testing.assert_equal(first, again)
    assert start.moved() == []
    gradients_of(case)
    assert any("vector_u" in path for path in start.moved())
    assert any("seed_generator" in path for path in start.moved())
