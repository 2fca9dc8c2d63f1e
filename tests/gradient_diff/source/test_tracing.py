"""Of several expressions that heal as much: the likeliest on good grounds, else the first with a fix, else none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gradient_diff.source import tracing
from gradient_diff.source.guilt import find_each, find_guilty
from gradient_diff.source.trial import Trial


@pytest.fixture
def chosen(tried: Callable[..., Trial], matrices: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """(whether each has a fix, whether each is weak) → what is told, as places among those that were offered."""

    def choose(fixed: tuple[bool, ...], weak: tuple[bool, ...]) -> Any:
        trial = tried(matrices, ("d2 @ W2.T * slope(z1)", "d2 @ W2.T"))
        (found,) = find_guilty(trial)
        offered = [[replace(found, weak=w)] for w in weak]
        has = dict(zip(map(id, offered), fixed, strict=True))
        monkeypatch.setattr(tracing, "fixes", lambda _, guilty, others: ["a fix"] if has[id(guilty)] else [])
        mended, guilty = tracing._likeliest(trial, iter(offered))  # noqa: SLF001  # trace tells its choice only with all the rest
        return (offered.index(guilty) if guilty else None), bool(mended)

    return choose


def test_good_grounds_need_no_fix(chosen: Any) -> None:
    assert chosen((False, True), (False, False)) == (0, False)


def test_on_weak_grounds_the_first_with_a_fix_is_told(chosen: Any) -> None:
    assert chosen((False, False, True), (True, False, True)) == (2, True)


def test_without_a_fix_nobody_else_is_told(chosen: Any) -> None:
    assert chosen((False, False), (True, False)) == (None, False)


def test_each_first_expression_is_offered_once(tried: Callable[..., Trial], matrices: str) -> None:
    trial = tried(matrices, ("2 * (z2 - y) / y.size", "(z2 - y) / y.size"))
    each = list(find_each(trial))
    assert len(each) > 1
    places = [guilty[0].first.places[:1] for guilty in each]
    assert len(set(places)) == len(places)
    assert len({len(guilty[0].healed) for guilty in each}) == 1
