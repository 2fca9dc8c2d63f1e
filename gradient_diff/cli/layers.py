"""What `shapes` prints of a saved model for which no equations are known: its layers, without judgement."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradient_diff.cli.telling import show
from gradient_diff.render.folder import whole_folder
from gradient_diff.render.sheet import Sheet, escape, to_csv, to_markdown, to_records, to_rich, to_table

if TYPE_CHECKING:
    from keras_mlp.extend import LayerShapes

TITLES = ("layer", "class", "inputs", "outputs", "weights")
UNJUDGED = "no equations known for these layers: shapes without judgement"
UNKNOWN = "–"


@dataclass(frozen=True)
class LayerTable:
    """A title and a sheet with a line per layer."""

    title: str
    sheet: Sheet

    def print(self, form: str) -> None:
        """As text, markdown, csv or json."""
        if form == "text":
            _print_text(self)
        elif form == "json":
            show(json.dumps({"title": self.title, "layers": to_records(self.sheet)}, indent=1))
        else:
            show(self.to_markdown() if form == "markdown" else to_csv(self.sheet), "")

    def to_markdown(self) -> str:
        """A title and a GitHub table."""
        return "\n".join([f"**{escape(self.title)}**", "", *to_markdown(self.sheet)]) + "\n"

    def save(self, folder: Path) -> Path:
        """Write ledger.csv and ledger.md into a folder, whole or not at all; there is nothing to draw."""
        with whole_folder(folder) as building:
            (building / "ledger.csv").write_text(to_csv(self.sheet), "utf-8", newline="\n")
            (building / "ledger.md").write_text(self.to_markdown(), "utf-8", newline="\n")
        return folder / "ledger.md"


def layer_table(name: str, layers: Sequence[LayerShapes], batch: int | str) -> LayerTable:
    """The layers of a model; where its batch is open, the given one stands."""
    cells = tuple(
        (line.path, line.kind, _shapes(line.inputs, batch), _shapes(line.outputs, batch), _weights(line))
        for line in layers
    )
    return LayerTable(f"Layers of {name}: {UNJUDGED}", Sheet(TITLES, cells))


def _print_text(table: LayerTable) -> None:
    from rich.console import Console

    console = Console()
    console.print(to_rich(table.title, "bold"))
    console.print()
    console.print(to_table(table.sheet), highlight=False)


def _shapes(shapes: Sequence[tuple[int | None, ...]], batch: int | str) -> str:
    return ", ".join(_shape(shape, batch) for shape in shapes) or UNKNOWN


def _shape(shape: Sequence[int | None], batch: int | str) -> str:
    """`(N, 4)`; a size that is open elsewhere is a question mark."""
    sizes: list[Any] = ["?" if size is None else size for size in shape]
    if shape and shape[0] is None:
        sizes[0] = batch
    return f"({', '.join(map(str, sizes))}{',' if len(sizes) == 1 else ''})"


def _weights(line: LayerShapes) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in line.weights)
