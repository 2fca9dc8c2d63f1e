"""The problem that a style's code is run on, and its right answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from experiments.benchmarks.lines.plant import Style, Variant
from gradient_diff.extend import Script
from manual_mlp import MLP, Dense, Evaluation
from manual_mlp.extend import Arrays, draw_data, draw_parameters

LOSS_NAMES = {"cce": "categorical_crossentropy"}  # what the house has no short name for
SQUARE = 4  # all widths, where a mistake runs on equal ones only


def widths_of(style: Style, square: bool = False) -> tuple[int, ...]:
    """The style's widths, or as many equal ones."""
    return (SQUARE,) * len(style.widths) if square else style.widths


def network_of(variant: Variant, widths: tuple[int, ...]) -> MLP:
    """The network that the variant's file computes."""
    *hidden, last = zip(widths[1:], variant.activations, strict=True)
    return MLP(widths[0], [*(layer for pair in hidden for layer in variant.hidden(*pair)), Dense(*last)])


def evaluation_of(
    style: Style, variant: Variant, seed: int = 0, square: bool = False, parameters: Arrays | None = None
) -> Evaluation:
    """The right gradients on random data, at random parameters where none are given."""
    rng = np.random.default_rng(seed)
    mlp = network_of(variant, widths_of(style, square))
    drawn = draw_parameters(rng, mlp, "normal(0.3)")
    loss = LOSS_NAMES.get(variant.loss, variant.loss)
    x, y = draw_data(rng, style.batch, mlp, loss)
    return mlp.backpropagate(drawn if parameters is None else parameters, x, y, loss)


def called(style: Style, text: str, square: bool = False, seed: int = 0, file: str = "") -> Any:
    """What the text offers: its function, the object's step or itself; `file` is where the text stands, if it does."""
    if style.call == "script":
        return Script.of(Path(file or style.file), text)
    space: dict[str, Any] = {
        "__name__": style.file.removesuffix(".py"),
        "widths": widths_of(style, square),
        "seed": seed,
    }
    exec(compile(text, file or style.file, "exec"), space)
    return eval(style.use, space)
