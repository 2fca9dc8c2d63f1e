"""That tracing changes no bit of a result, in every style and variant; and what the notes of raising plants say."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.benchmarks.lines import plants
from experiments.benchmarks.lines.plant import Plant, Style, Variant
from experiments.benchmarks.lines.planting import text_of
from experiments.benchmarks.lines.problems import called, evaluation_of
from experiments.benchmarks.lines.raised import note_on
from gradient_diff.source.events import Run, watching
from gradient_diff.source.makers import recording_makers
from gradient_diff.source.recorded import follow, plain

NAMES = sorted(path.stem for path in Path(plants.__path__[0]).glob("[!_]*.py"))
STYLES: list[Style] = [import_module(f"{plants.__name__}.{name}").STYLE for name in NAMES]
VARIANTS = [(style, i) for style in STYLES for i in range(len(style.variants))]


def title(value: object) -> str | None:
    return value.file.removesuffix(".py") if isinstance(value, Style) else None


def arrays(value: Any) -> Iterator[np.ndarray]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        for item in value:
            yield from arrays(item)
    else:
        yield np.asarray(plain(value))


def result(style: Style, variant: Variant, dtype: str, run: Run | None) -> list[tuple[str, tuple[int, ...], bytes]]:
    """All that the code returns, and of an object the weights that it leaves behind."""
    entry = called(style, text_of(style, variant))
    problem = evaluation_of(style, variant).problem
    x, y = problem.x.astype(dtype), problem.y.astype(dtype)
    given: list[Any] = [{n: a.astype(dtype) for n, a in problem.parameters.items()}, x, y]
    given = given if style.call != "step" else given[1:]
    if run is None:
        found = entry(*given)
    else:
        with recording_makers([getattr(entry, "__func__", entry).__globals__]), watching(run):
            found = entry(*map(follow, given))
    left = [] if style.call != "step" else [entry.__self__.weights, entry.__self__.biases]
    return [(str(a.dtype), a.shape, a.tobytes()) for a in arrays([found, *left, *given])]


@pytest.mark.matrix(most=40)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize(("style", "number"), VARIANTS, ids=title)
def test_recording_changes_no_bit(style: Style, number: int, dtype: str) -> None:
    run = Run()
    variant = style.variants[number]
    assert result(style, variant, dtype, run) == result(style, variant, dtype, None)
    assert run.count


RAISING = [(style, variant, plant) for style in STYLES for variant in style.variants for plant in variant.raising]
HANDFUL = [RAISING[i] for i in np.random.default_rng(0).choice(len(RAISING), 8, replace=False)]


def named(value: object) -> str | None:
    return value.what if isinstance(value, Plant) else title(value)


@pytest.mark.parametrize(("style", "variant", "plant"), HANDFUL, ids=named)
def test_what_a_note_says_should_stand_there_makes_every_gradient_right(
    style: Style, variant: Variant, plant: Plant
) -> None:
    note = note_on(style, variant, plant)
    assert note is not None
    assert note.right is not False
    assert note.operands[0]


def test_most_of_them_are_mended() -> None:
    notes = [note_on(*case) for case in HANDFUL]
    assert sum(note is not None and note.line for note in notes) >= 6
    assert sum(note is not None and note.right is True for note in notes) >= 6


def test_what_is_wrong_would_be_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """A note that says what raises again, or what is another gradient, is not right."""
    from gradient_diff.source import mended

    monkeypatch.setattr(mended, "_flat", lambda text: text.replace("2", "3"))
    style = next(s for s in STYLES if s.file == "matrices.py")
    note = note_on(style, style.variants[0], style.variants[0].raising[0])
    assert note is not None
    assert note.right is False
