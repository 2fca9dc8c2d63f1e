"""The part kept aside: each variant is right, each plant stands where it says, runs, and is wrong."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.benchmarks.lines import aside
from experiments.benchmarks.lines.plant import Plant, Style, Variant
from gradient_diff import compare
from manual_mlp import MLP, Array, Dense, Evaluation, Loss
from manual_mlp.extend import draw_data

FOLDER = Path(str(aside.__file__)).parent
NAMES = [path.stem for path in sorted((FOLDER / "plants").glob("[a-z]*.py"))]
STYLES: dict[str, Style] = {n: import_module(f"{aside.__name__}.plants.{n}").STYLE for n in NAMES}
EACH = [pytest.param(s, v, id=f"{n}-{v.loss}") for n, s in STYLES.items() for v in s.variants]
LETTERS = {"kernel": "W", "bias": "b"}
WRONG = 1e-2  # times the gradient: what no rounding does
ROUNDING = 1e-10  # times the gradient, where it is a difference of weights

Arrays = dict[str, Array]
Attempt = tuple[Arrays, Evaluation]


def text_of(style: Style, variant: Variant) -> str:
    """The variant's file."""
    text = (FOLDER / "styles" / style.file).read_text(encoding="utf-8")
    for old, new in variant.replacements:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


def place(text: str, plant: Plant) -> int:
    """Where `right` stands: once in the file, unless the plant says which."""
    found = [i for i in range(len(text)) if text.startswith(plant.right, i)]
    assert len(found) == 1 or 0 < plant.nth < len(found), f"{plant.what}: {len(found)} times"
    return found[plant.nth]


def planted(text: str, *plants: Plant) -> str:
    """The file with these mistakes, the last one first, so that the places before it stay."""
    places = sorted(((place(text, plant), plant) for plant in plants), key=lambda p: p[0], reverse=True)
    for (later, _), (earlier, plant) in itertools.pairwise(places):
        assert earlier + len(plant.right) <= later, f"{plant.what}: overlaps"
    for i, plant in places:
        text = text[:i] + plant.wrong + text[i + len(plant.right) :]
    return text


def attempt(style: Style, variant: Variant, text: str, square: bool = False) -> Attempt:
    """The gradients of the file, and the engine's for the same weights and data."""
    widths = [style.widths[1]] * len(style.widths) if square else style.widths
    mlp = MLP(widths[0], [Dense(n, f) for n, f in zip(widths[1:], variant.activations, strict=True)])
    loss = Loss("categorical_crossentropy" if variant.loss == "cce" else variant.loss)
    module: dict[str, Any] = {"__name__": style.file, "widths": tuple(widths), "seed": 1}
    exec(compile(text, style.file, "exec"), module)
    return WAYS[style.call](style, mlp, loss, module)


def of_function(style: Style, mlp: MLP, loss: Loss, module: dict[str, Any]) -> Attempt:
    rng = np.random.default_rng(3)
    x, y = draw_data(rng, style.batch, mlp, loss)
    parameters = dict(mlp.initialize(rng, "glorot_normal", "normal(0.3)"))
    evaluation = mlp.backpropagate(parameters, x, y, loss)
    answer = module[style.use]({name: a.copy() for name, a in parameters.items()}, x.copy(), y.copy())
    return named(answer[1] if isinstance(answer, tuple) else answer, parameters), evaluation


def named(answer: Any, names: Iterable[str]) -> Arrays:
    """Gradients by name, of a dict or of a list in the order W1 b1 W2 b2."""
    pairs = answer.items() if isinstance(answer, dict) else zip(names, answer, strict=True)
    return {name: np.asarray(a, dtype=float) for name, a in pairs}


def of_step(style: Style, mlp: MLP, loss: Loss, module: dict[str, Any]) -> Attempt:
    data = draw_data(np.random.default_rng(3), style.batch, mlp, loss)
    step: Callable[..., object] = eval(style.use, module)
    layers = getattr(step, "__self__").layers  # noqa: B009  # the type of a callable does not tell of it
    before, rate = weights(layers), style.learning_rate
    assert rate is not None
    step(*(a.copy() for a in data))
    after = weights(layers)
    return {name: (before[name] - after[name]) / rate for name in before}, mlp.backpropagate(before, *data, loss)


def weights(layers: list[Arrays]) -> Arrays:
    return {f"dense_{i}/{kind}": a.copy() for i, layer in enumerate(layers, 1) for kind, a in layer.items()}


def of_script(style: Style, mlp: MLP, loss: Loss, module: dict[str, Any]) -> Attempt:
    own = {f"dense_{i}/{k}": f"{letter}{i}" for i in range(1, len(mlp.units) + 1) for k, letter in LETTERS.items()}
    parameters = {name: module[letter] for name, letter in own.items()}
    evaluation = mlp.backpropagate(parameters, module["x"], module["y"], loss)
    return {name: module[f"d{letter}"] for name, letter in own.items()}, evaluation


WAYS = {"gradients": of_function, "step": of_step, "script": of_script}


def apart(mine: Mapping[str, Array], other: Mapping[str, Array], evaluation: Evaluation) -> float:
    """The largest distance between two gradients, in units of the right one."""
    return max(distance(mine[n], other[n], float(np.linalg.norm(g))) for n, g in evaluation.gradients.items())


def distance(mine: Array, other: Array, unit: float) -> float:
    return float(np.linalg.norm(mine - other)) / unit if mine.shape == other.shape else np.inf


def off(attempted: Attempt) -> float:
    mine, evaluation = attempted
    return apart(mine, evaluation.gradients, evaluation)


def raises(style: Style, variant: Variant, plant: Plant) -> bool:
    try:
        attempt(style, variant, planted(text_of(style, variant), plant))
    except (ValueError, IndexError):  # lists have no shapes: an index runs out
        return True
    return False


def hidden(style: Style, variant: Variant, pair: tuple[int, int]) -> bool:
    """One of the two makes no difference to the other."""
    text, plants = text_of(style, variant), [variant.plants[i] for i in pair]
    square = any(p.square for p in plants)
    both, evaluation = attempt(style, variant, planted(text, *plants), square)
    alone = [attempt(style, variant, planted(text, p), square)[0] for p in plants]
    return not all(apart(both, one, evaluation) > WRONG for one in (*alone, evaluation.gradients))


def lost(text: str, plant: Plant) -> list[str]:
    """What cannot be underlined: not there, not once, or longer than a line."""
    guilty = plant.guilty or plant.wrong
    ill = [] if plant.wrong.count(guilty) == 1 and "\n" not in guilty else [guilty]
    return ill + [a for a in plant.also if "\n" in a or a not in planted(text, plant)]


def test_there_are_enough_of_them() -> None:
    variants = [v for style in STYLES.values() for v in style.variants]
    assert len(STYLES) == 6
    assert sum(len(v.plants) for v in variants) >= 150
    assert all(sum(len(v.pairs) for v in style.variants) >= 3 for style in STYLES.values())
    assert all(sum(len(v.raising) for v in style.variants) >= 2 for style in STYLES.values())


@pytest.mark.parametrize("name", NAMES)
def test_each_style_has_each_loss_and_each_activation(name: str) -> None:
    variants = STYLES[name].variants
    assert len({v.loss for v in variants}) == 3
    assert {"sigmoid", "tanh", "relu"} <= {f for v in variants for f in v.activations}


@pytest.mark.parametrize(("style", "variant"), EACH)
def test_the_variant_is_right(style: Style, variant: Variant) -> None:
    mine, evaluation = attempt(style, variant, text_of(style, variant))
    right = off((mine, evaluation)) < ROUNDING if style.call == "step" else compare(mine, evaluation).ok
    assert right


@pytest.mark.parametrize(("style", "variant"), EACH)
def test_every_plant_is_wrong(style: Style, variant: Variant) -> None:
    text = text_of(style, variant)
    found = {p.what: off(attempt(style, variant, planted(text, p), p.square)) for p in variant.plants}
    assert {what: far for what, far in found.items() if not far > WRONG} == {}


@pytest.mark.parametrize(("style", "variant"), EACH)
def test_what_is_guilty_can_be_underlined(style: Style, variant: Variant) -> None:
    text = text_of(style, variant)
    found = {p.what: lost(text, p) for p in (*variant.plants, *variant.raising)}
    assert {what: texts for what, texts in found.items() if texts} == {}


@pytest.mark.parametrize(("style", "variant"), EACH)
def test_what_is_to_raise_raises(style: Style, variant: Variant) -> None:
    assert [p.what for p in variant.raising if not raises(style, variant, p)] == []


@pytest.mark.parametrize(("style", "variant"), EACH)
def test_two_mistakes_are_two(style: Style, variant: Variant) -> None:
    assert [pair for pair in variant.pairs if hidden(style, variant, pair)] == []


STYLE = STYLES["rows_zip"]
VARIANT = STYLE.variants[0]
HARMLESS = Plant("another way to write it", "none", "before = theta.copy()", "before = theta + 0")


def test_a_plant_that_changes_nothing_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="another way to write it"):
        test_every_plant_is_wrong(STYLE, replace(VARIANT, plants=(HARMLESS,)))
    with pytest.raises(AssertionError):
        test_two_mistakes_are_two(STYLE, replace(VARIANT, plants=(VARIANT.plants[0], HARMLESS), pairs=((0, 1),)))
    with pytest.raises(AssertionError, match="another way to write it"):
        test_what_is_to_raise_raises(STYLE, replace(VARIANT, raising=(HARMLESS,)))


def test_a_text_that_is_not_there_would_be_seen() -> None:
    with pytest.raises(AssertionError, match="0 times"):
        planted(text_of(STYLE, VARIANT), replace(HARMLESS, right="nowhere"))
    assert lost(text_of(STYLE, VARIANT), replace(HARMLESS, guilty="theta.copy()")) == ["theta.copy()"]


def test_a_wrong_variant_would_be_seen() -> None:
    with pytest.raises(AssertionError):
        test_the_variant_is_right(STYLE, replace(VARIANT, loss="quadratic_cost"))
