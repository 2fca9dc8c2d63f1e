"""The part kept aside: each variant is right, each plant is found in its file, runs, and is wrong."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from experiments.benchmarks.lines import aside
from experiments.benchmarks.lines.plant import Plant, Style, Variant
from gradient_diff import compare
from manual_mlp import MLP, Array, Dense, Evaluation, Loss
from manual_mlp.extend import draw_data

FOLDER = Path(str(aside.__file__)).parent
STYLES: dict[str, Style] = {
    path.stem: import_module(f"{aside.__name__}.plants.{path.stem}").STYLE
    for path in sorted((FOLDER / "plants").glob("[a-z]*.py"))
}
VARIANTS = [pytest.param(s, v, id=f"{n}-{v.loss}") for n, s in STYLES.items() for v in s.variants]
FAR = 1e-3  # of the gradient's norm: what no rounding does

Attempt = tuple[dict[str, Array], Evaluation]


def text_of(style: Style, variant: Variant) -> str:
    """The variant's file."""
    text = (FOLDER / "styles" / style.file).read_text(encoding="utf-8")
    for old, new in variant.replacements:
        assert text.count(old) == 1, f"{style.file}, {variant.loss}: not once in the file: {old!r}"
        text = text.replace(old, new)
    return text


def place(text: str, plant: Plant) -> int:
    """Where `right` stands."""
    found = [i for i in range(len(text)) if text.startswith(plant.right, i)]
    assert len(found) == 1 or 0 < plant.nth < len(found), f"{plant.what}: {len(found)} times in the file"
    return found[plant.nth]


def planted(text: str, *plants: Plant) -> str:
    """The file with these mistakes in it, the last first: places before stay as they are."""
    places = sorted(((place(text, plant), plant) for plant in plants), key=lambda p: p[0], reverse=True)
    for (after, _), (before, plant) in itertools.pairwise(places):
        assert before + len(plant.right) <= after, f"the pair overlaps at {plant.what!r}"
    for i, plant in places:
        text = text[:i] + plant.wrong + text[i + len(plant.right) :]
    return text


def loss_of(variant: Variant) -> Loss:
    """By the short names of plants, "cce" among them, or the house's."""
    return Loss("categorical_crossentropy" if variant.loss == "cce" else variant.loss)


def mlp_of(style: Style, variant: Variant, square: bool) -> MLP:
    widths = [style.widths[1]] * len(style.widths) if square else list(style.widths)
    return MLP(widths[0], [Dense(n, f) for n, f in zip(widths[1:], variant.activations, strict=True)])


def attempt(style: Style, variant: Variant, text: str, seed: int, square: bool = False) -> Attempt:
    """The gradients of the file, and those of the engine for the same weights and data."""
    mlp, rng = mlp_of(style, variant, square), np.random.default_rng(seed)
    module: dict[str, Any] = {"__name__": "written_by_a_user"}
    if style.call == "script":
        return _script(mlp, loss_of(variant), text, module)
    exec(compile(text, style.file, "exec"), module)
    x, y = draw_data(rng, style.batch, mlp, loss_of(variant))
    if style.call == "step":
        return _step(style, mlp, loss_of(variant), (x, y), module | {"widths": (mlp.inputs, *mlp.units), "seed": seed})
    parameters = {k: a.copy() for k, a in mlp.initialize(rng, "glorot_normal", "normal(0.3)").items()}
    evaluation = mlp.backpropagate(parameters, x, y, loss_of(variant))
    answer = module[style.use]({k: a.copy() for k, a in parameters.items()}, x.copy(), y.copy())
    return _named(answer, list(parameters)), evaluation


def _named(answer: Any, names: Iterable[str]) -> dict[str, Array]:
    answer = answer[1] if isinstance(answer, tuple) else answer
    return {n: np.asarray(a) for n, a in (answer if isinstance(answer, dict) else dict(zip(names, answer, strict=True))).items()}


def _script(mlp: MLP, loss: Loss, text: str, module: dict[str, Any]) -> Attempt:
    exec(compile(text, "script.py", "exec"), module)
    letters = [(f"dense_{i}/{name}", f"{letter}{i}") for i in range(1, len(mlp.units) + 1) for name, letter in KINDS]
    parameters = {name: module[own] for name, own in letters}
    return {name: module[f"d{own}"] for name, own in letters}, mlp.backpropagate(parameters, module["x"], module["y"], loss)


KINDS = (("kernel", "W"), ("bias", "b"))


def _step(style: Style, mlp: MLP, loss: Loss, data: tuple[Array, Array], module: dict[str, Any]) -> Attempt:
    step: Callable[..., object] = eval(style.use, module)
    weights = lambda: {f"dense_{i}/{k}": a.copy() for i, p in enumerate(step.__self__.layers, 1) for k, a in p.items()}
    before = weights()
    step(*(a.copy() for a in data))
    after = weights()
    rate = style.learning_rate
    assert rate is not None
    return {k: (before[k] - after[k]) / rate for k in before}, mlp.backpropagate(before, *data, loss)


def distance(mine: Mapping[str, Array], evaluation: Evaluation) -> float:
    """The largest of the gradients' distances, each relative to the gradient."""
    right = evaluation.gradients
    return max(_apart(np.asarray(mine[k], dtype=float), g) for k, g in right.items())


def _apart(mine: Array, right: Array) -> float:
    if mine.shape != right.shape or not np.isfinite(mine).all():
        return float("inf")
    return float(np.linalg.norm(mine - right) / np.linalg.norm(right))
