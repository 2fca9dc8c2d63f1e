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
    spots: list[Spot] = []
    for plant in plants:
        start = _place(text, plant)
        text = text[:start] + plant.wrong + text[start + len(plant.right) :]
        by = len(plant.wrong) - len(plant.right)
        spots = [spot.moved(by) if spot.start > start else spot for spot in spots]
        spots.append(_guilty(text, start, plant))
    return Planted(text, tuple(spots))


def _place(text: str, plant: Plant) -> int:
    parts = text.split(plant.right)
    count = len(parts) - 1
    if count <= plant.nth or (count > 1 and not plant.nth):
        raise ValueError(f"{plant.right!r} stands {count} times in the text: expected once, or nth= within them.")
    return len(plant.right.join(parts[: plant.nth + 1]))


def _guilty(text: str, start: int, plant: Plant) -> Spot:
    """The expression to underline: in the lines that the plant wrote, beside what it wrote if need be."""
    end = start + len(plant.wrong)
    if not plant.guilty:
        return Spot(start, end)
    first, last = text.rfind("\n", 0, start) + 1, (text + "\n").find("\n", end)
    lines = text[first:last]
    if lines.count(plant.guilty) != 1:
        raise ValueError(f"{plant.guilty!r} stands {lines.count(plant.guilty)} times in {lines!r}: expected once.")
    found = first + lines.index(plant.guilty)
    return Spot(found, found + len(plant.guilty))
