"""The panels of a page as a file, from which it is drawn again."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from gradient_diff.render.figures.panels import Drawn, Panels
from manual_mlp import Array, load_parameters, save_parameters

_PARTS = ("hand", "reference", "difference", "block")


def save_panels(drawn: Drawn, rows: Sequence[str], path: Path) -> None:
    """By the number of the row, since its name may be anything; nothing where nothing is drawn."""
    numbers = {name: place for place, name in enumerate(rows)}
    arrays = {f"{numbers[name]}/{part}": getattr(p, part) for name, p in drawn.items() for part in _PARTS}
    if arrays:
        save_parameters(path, arrays)


def load_panels(path: Path, rows: Sequence[str]) -> dict[str, Panels]:
    """The same again; ValueError of a file that does not fit these rows."""
    if not path.is_file():
        return {}
    found: dict[str, dict[str, Array]] = {}
    for key, array in load_parameters(path).items():
        number, _, part = key.partition("/")
        if not (number.isascii() and number.isdigit() and len(number) < 8 and int(number) < len(rows)):
            raise ValueError(f"{path.name} does not fit diff.json: it holds {key!r}. Write the report again.")
        found.setdefault(rows[int(number)], {})[part] = array
    return {name: _panels(path, parts) for name, parts in found.items()}


def _panels(path: Path, parts: dict[str, Array]) -> Panels:
    matrices = [parts.get(part) for part in _PARTS[:3]]
    block = parts.get("block")
    if parts.keys() != {*_PARTS} or block is None or block.shape != (2,) or block.dtype.kind != "i":
        raise ValueError(f"{path.name} is incomplete. Write the report again.")
    if any(m is None or m.ndim != 2 or m.dtype.kind != "f" or m.shape != parts["hand"].shape for m in matrices):
        raise ValueError(f"{path.name} holds no matrices of one shape. Write the report again.")
    return Panels(parts["hand"], parts["reference"], parts["difference"], (int(block[0]), int(block[1])))
