from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from importlib import import_module
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.benchmarks.lines import plants
from experiments.benchmarks.lines.plant import Plant, Style, Variant
from experiments.benchmarks.lines.planting import STYLES, planted, text_of
from experiments.benchmarks.lines.problems import called, evaluation_of
from gradient_diff import compare
from manual_mlp import Evaluation
from manual_mlp.extend import Arrays

NAMES = sorted(path.stem for path in Path(plants.__path__[0]).glob("[!_]*.py"))
SETS: dict[str, Style] = {name: import_module(f"{plants.__name__}.{name}").STYLE for name in NAMES}
VARIANTS = [(style, i) for style in SETS.values() for i in range(len(style.variants))]
BEYOND_DOUBT = 1e-3  # of a gradient's norm: right code in float64 is right to 1e-15, and no plant is as subtle


def title(value: object) -> str | None:
    return value.file.removesuffix(".py") if isinstance(value, Style) else None


each_variant = pytest.mark.parametrize(("style", "number"), VARIANTS, ids=title)


def cases(variant: Variant) -> Iterator[tuple[Plant, ...]]:
    """Plants one by one, then those that are planted together."""
    yield from ((plant,) for plant in variant.plants)
    yield from ((variant.plants[i], variant.plants[j]) for i, j in variant.pairs)


def weights_of(step: Any) -> dict[str, np.ndarray]:
    """The lists of article A's form under the house's names, copied."""
    layers = enumerate(zip(step.__self__.weights, step.__self__.biases, strict=True), 1)
    return {f"dense_{i}/{n}": a.copy() for i, (w, b) in layers for n, a in (("kernel", w), ("bias", b.ravel()))}


def run(style: Style, variant: Variant, text: str, square: bool = False) -> tuple[Any, Evaluation]:
    """What the code says are the gradients (of a step: by the weights before and after), and the right ones."""
    entry = called(style, text, square)
    if style.call != "step":
        e = evaluation_of(style, variant, square=square)
        return entry({n: a.copy() for n, a in e.problem.parameters.items()}, e.problem.x.copy(), e.problem.y.copy()), e
    before = weights_of(entry)
    e = evaluation_of(style, variant, square=square, parameters=before)
    entry(e.problem.x.copy(), e.problem.y.copy())
    assert style.learning_rate is not None
    rate = style.learning_rate
    return {n: (before[n] - after) / rate for n, after in weights_of(entry).items()}, e


def arrays(given: Any, e: Evaluation) -> list[Arrays]:
    """Whatever came, as arrays in the order of the right ones."""
    if isinstance(given, tuple):
        given = given[1]
    if isinstance(given, dict):
        return [np.asarray(given[name]) for name in e.gradients]
    if isinstance(given, list):
        return [np.asarray(a) for a in given]
    cuts = np.cumsum([g.size for g in e.gradients.values()])[:-1]
    return [part.reshape(g.shape) for part, g in zip(np.split(given, cuts), e.gradients.values(), strict=True)]


def off(given: Any, e: Evaluation) -> bool:
    """Whether some gradient is another one, beyond doubt."""
    pairs = zip(arrays(given, e), e.gradients.values(), strict=True)
    return any(h.shape != r.shape or np.linalg.norm(h - r) > BEYOND_DOUBT * np.linalg.norm(r) for h, r in pairs)


@each_variant
def test_every_variant_is_right(style: Style, number: int) -> None:
    variant = style.variants[number]
    hand, e = run(style, variant, text_of(style, variant))
    if style.call != "step":
        assert compare(called(style, text_of(style, variant)), e).ok
    pairs = zip(arrays(hand, e), e.gradients.values(), strict=True)
    assert all(np.allclose(h, r, rtol=1e-8, atol=1e-12) for h, r in pairs)


@each_variant
def test_every_variant_is_right_at_other_sizes(style: Style, number: int) -> None:
    if style.fixed:
        pytest.skip("its widths are in the code")
    wider = replace(style, widths=tuple(n + 2 for n in style.widths), batch=style.batch + 4)
    hand, e = run(wider, style.variants[number], text_of(style, style.variants[number]))
    pairs = zip(arrays(hand, e), e.gradients.values(), strict=True)
    assert all(np.allclose(h, r, rtol=1e-8, atol=1e-12) for h, r in pairs)


@pytest.mark.matrix(most=20)
@each_variant
def test_every_plant_stands_where_it_says_runs_and_is_wrong(style: Style, number: int) -> None:
    variant = style.variants[number]
    text = text_of(style, variant)
    for case in cases(variant):
        bad = planted(text, *case)
        for plant, spot in zip(case, bad.spots, strict=True):
            assert bad.text[spot.start : spot.end].strip() == (plant.guilty or plant.wrong).strip(), plant
            assert "\n" not in bad.text[spot.start : spot.end], plant
            assert all(bad.text.count(other) for other in plant.also), plant
        with np.errstate(all="ignore"):
            hand, e = run(style, variant, bad.text, any(plant.square for plant in case))
        assert off(hand, e), [plant.what for plant in case]


@pytest.mark.parametrize(
    ("wrong", "seen"),
    [("sigmoid_prime(a2) * (W3 @ d3.T).T", False), ("(d3 @ W3.T) * sigmoid_prime(a2) * 1.002", True)],
)
def test_a_plant_that_is_right_would_be_seen(wrong: str, seen: bool) -> None:
    style = SETS["matrices"]
    text = text_of(style, style.variants[0])
    plant = Plant("", "", "(d3 @ W3.T) * sigmoid_prime(a2)", wrong)
    assert off(*run(style, style.variants[0], planted(text, plant).text)) is seen


@pytest.mark.matrix(most=20)
@each_variant
def test_both_of_a_pair_matter(style: Style, number: int) -> None:
    """Neither hides the other: with one mended, it is another answer, and still wrong."""
    variant = style.variants[number]
    text = text_of(style, variant)
    for i, j in variant.pairs:
        square = variant.plants[i].square or variant.plants[j].square
        both, e = run(style, variant, planted(text, variant.plants[i], variant.plants[j]).text, square)
        for k in (i, j):
            one = arrays(run(style, variant, planted(text, variant.plants[k]).text, square)[0], e)
            pairs = list(zip(arrays(both, e), one, strict=True))
            assert any(a.shape != b.shape or not np.allclose(a, b, rtol=1e-3, atol=0) for a, b in pairs), (i, j, k)


@each_variant
def test_what_should_raise_raises(style: Style, number: int) -> None:
    variant = style.variants[number]
    for plant in variant.raising:
        with pytest.raises(ValueError, match=r"shape|dimension|broadcast|size"):
            run(style, variant, planted(text_of(style, variant), plant).text)


def test_the_mistakes_are_many_and_of_many_kinds() -> None:
    variants = [v for s in SETS.values() for v in s.variants]
    found = [p for v in variants for p in v.plants]
    assert len(SETS) >= 8
    assert len(found) >= 190
    assert sum(len(v.pairs) for v in variants) >= 24
    assert len(Counter(p.kind for p in found)) >= 20
    assert len({(id(s), p.right, p.wrong) for s in SETS.values() for v in s.variants for p in v.plants}) == len(found)


@pytest.mark.parametrize("style", SETS.values(), ids=title)
def test_each_style_has_each_activation_each_loss_and_enough_of_each(style: Style) -> None:
    assert {v.loss for v in style.variants} >= {"bce", "cce"}
    assert {"sigmoid", "tanh", "relu"} <= {v.activations[0] for v in style.variants}
    assert all(a != b for a, b in pairwise(sorted((*style.widths, style.batch))))
    assert sum(len(v.raising) for v in style.variants) >= 2
    assert sum(len(v.pairs) for v in style.variants) >= 3
    assert 25 <= (STYLES / style.file).read_text(encoding="utf-8").count("\n") <= 90
