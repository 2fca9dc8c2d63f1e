"""A variant's text, mistakes planted in it, and where the guilty expressions then stand."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from experiments.benchmarks.lines.plant import Plant, Style, Variant

STYLES = Path(__file__).parent / "styles"


@dataclass(frozen=True)
class Spot:
    """A stretch of text, by offsets."""

    start: int
    end: int

    def moved(self, by: int) -> Spot:
        """The same stretch after a change further up."""
        return replace(self, start=self.start + by, end=self.end + by)


@dataclass(frozen=True)
class Planted:
    """A text with its mistakes; `spots` are the guilty expressions, in the order of the plants."""

    text: str
    spots: tuple[Spot, ...]

    def line(self, which: int = 0) -> int:
        """The line of a guilty expression, counted from 1."""
        return self.text.count("\n", 0, self.spots[which].start) + 1


def text_of(style: Style, variant: Variant, folder: Path = STYLES) -> str:
    """The user's file in one of its variants; a replacement changes every occurrence."""
    text = (folder / style.file).read_text(encoding="utf-8")
    for old, new in variant.replacements:
        if old not in text:
            raise ValueError(f"{style.file} holds no {old!r}, which a variant replaces.")
        text = text.replace(old, new)
    return text


def planted(text: str, *plants: Plant) -> Planted:
    """The text with all of these mistakes; each must stand where it says, exactly once unless `nth` counts (from 0)."""
    # All places are those in the right text: what one plant writes is not to be taken for what another replaces.
    places = sorted(((_place(text, plant), i) for i, plant in enumerate(plants)), reverse=True)
    spots: dict[int, Spot] = {}
    for start, i in places:
        plant = plants[i]
        text = text[:start] + plant.wrong + text[start + len(plant.right) :]
        by = len(plant.wrong) - len(plant.right)
        spots = {k: spot.moved(by) for k, spot in spots.items()}
        spots[i] = _guilty(text, start, plant)
    return Planted(text, tuple(spots[i] for i in range(len(plants))))


def _place(text: str, plant: Plant) -> int:
    parts = text.split(plant.right)
    count = len(parts) - 1
    if count <= plant.nth or (count > 1 and not plant.nth):
        raise ValueError(f"{plant.right!r} stands {count} times in the text: expected once, or nth= within them.")
    return len(plant.right.join(parts[: plant.nth + 1]))


def _guilty(text: str, start: int, plant: Plant) -> Spot:
    """The expression to underline: in what the plant wrote, else in the lines around it."""
    end = start + len(plant.wrong)
    if not plant.guilty:
        return Spot(start, end)
    if plant.wrong.count(plant.guilty) == 1:
        return _spot(start + plant.wrong.index(plant.guilty), plant.guilty)
    first, last = text.rfind("\n", 0, start) + 1, (text + "\n").find("\n", end)
    lines = text[first:last]
    if lines.count(plant.guilty) != 1:
        raise ValueError(f"{plant.guilty!r} stands {lines.count(plant.guilty)} times in {lines!r}: expected once.")
    return _spot(first + lines.index(plant.guilty), plant.guilty)


def _spot(start: int, text: str) -> Spot:
    return Spot(start, start + len(text))
