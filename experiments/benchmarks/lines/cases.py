"""The styles that rules were tuned on, those kept aside, and all that is planted in both."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from typing import TypeVar

import numpy as np

from experiments.benchmarks.lines.plant import Plant, Style, Variant
from experiments.benchmarks.lines.planting import Planted, planted, text_of

Drawn = TypeVar("Drawn")

HERE = "experiments.benchmarks.lines"
FOLDERS = {"tuned": HERE, "aside": f"{HERE}.aside"}
"""Part → the package whose folders `styles` and `plants` it is."""


@dataclass(frozen=True)
class Case:
    """A variant of a style, and what is planted in it: one mistake, two, or none."""

    part: str  # of FOLDERS
    style: Style
    variant: Variant
    plants: tuple[Plant, ...] = ()

    @property
    def name(self) -> str:
        """Of the style: its file's."""
        return self.style.file.removesuffix(".py")

    @property
    def square(self) -> bool:
        """Whether it runs on equal widths only."""
        return any(plant.square for plant in self.plants)

    @property
    def what(self) -> str:
        """What was done, in words."""
        return "; ".join(plant.what for plant in self.plants)

    @cached_property
    def planted(self) -> Planted:
        """The user's file with its mistakes."""
        folder = Path(str(import_module(FOLDERS[self.part]).__file__)).parent / "styles"
        return planted(text_of(self.style, self.variant, folder), *self.plants)


@cache
def styles_of(part: str) -> tuple[Style, ...]:
    """The styles of a part, by name."""
    plants = import_module(f"{FOLDERS[part]}.plants")
    names = sorted(path.stem for path in Path(plants.__path__[0]).glob("[!_]*.py"))
    return tuple(import_module(f"{plants.__name__}.{name}").STYLE for name in names)


def right_cases(part: str) -> Iterator[Case]:
    """Every variant as it is."""
    return (Case(part, style, variant) for style in styles_of(part) for variant in style.variants)


def single_cases(part: str) -> Iterator[Case]:
    """Every mistake alone."""
    return (Case(part, c.style, c.variant, (plant,)) for c in right_cases(part) for plant in c.variant.plants)


def pair_cases(part: str) -> Iterator[Case]:
    """Every two that are planted together."""
    for c in right_cases(part):
        for i, j in c.variant.pairs:
            yield Case(part, c.style, c.variant, (c.variant.plants[i], c.variant.plants[j]))


def sample(cases: Sequence[Drawn], count: int | None, seed: int) -> list[Drawn]:
    """So many of them, drawn without replacement and in their order; all of them for None."""
    if count is None or count >= len(cases):
        return list(cases)
    return [cases[i] for i in sorted(np.random.default_rng(seed).permutation(len(cases))[:count])]
