"""A ledger as data: one line per equation, and the sequence of them, which prints itself."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, overload

from gradient_diff.ledger.boxes import Box
from gradient_diff.shown import figure_of, frame_of, markdown_of, printed
from manual_mlp import gradient_node

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class LedgerLine:
    """One equation of the ledger.

    Attributes:
        layer: in whose derivation it stands.
        node: the array that it defines.
        formula: as it stands in a book.
        shapes: the operands' shapes as the operation combines them, and the result's.
        counterpart: what the result must fit, e.g. `kernel (5, 5)`; empty where nothing constrains it.
        fits: whether it does.
        clash: what does not fit, in words; empty where it fits.
        symbolic: the formula with layer-indexed symbols, `dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾`.
        letters: the shapes as they meet, in letters: `(n₁, N)(N, n₂) → (n₁, n₂)`.
        numbers: the same in numbers: `(5, 100)(100, 5) → (5, 5)`.
        operands: their names: nodes, parameters, x or y.
        boxes: operands, and last the result, for a drawing.
        signs: what stands between the operands.
    """

    layer: str
    node: str
    formula: str
    shapes: str
    counterpart: str
    fits: bool
    clash: str = ""
    symbolic: str = ""
    letters: str = ""
    numbers: str = ""
    operands: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = field(default=(), repr=False)
    signs: tuple[str, ...] = field(default=(), repr=False)

    @property
    def equation(self) -> str:
        """Formula, letters and numbers in one line."""
        return f"{self.symbolic}   {self.letters}   {self.numbers}"

    def __str__(self) -> str:
        parts = [f"{self.layer}  {self.formula}", self.shapes, self.counterpart, "fits" if self.fits else self.clash]
        return "   ".join(p for p in parts if p)


@dataclass(frozen=True)
class Ledger(Sequence[LedgerLine]):
    """The ledger of a network: a sequence of lines that prints itself.

    Attributes:
        lines: one per equation, in the order of the computation.
        title: of which network.
        advice: where shapes prove nothing, because lengths that meet in one equation are equal; empty where all differ.

    Example:
        >>> from gradient_diff import ledger
        >>> from manual_mlp import MLP, Dense
        >>> book = ledger(MLP(3, [Dense(2)]), "mse", batch=4)
        >>> book.fits, len(book), book.title
        (True, 8, '3-2, mean_squared_error, batch 4')
    """

    lines: tuple[LedgerLine, ...] = ()
    title: str = ""
    advice: str = ""

    @property
    def fits(self) -> bool:
        """Whether every line does."""
        return all(line.fits for line in self.lines)

    @overload
    def __getitem__(self, index: int) -> LedgerLine: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[LedgerLine, ...]: ...
    def __getitem__(self, index: int | slice) -> LedgerLine | tuple[LedgerLine, ...]:
        return self.lines[index]

    def __len__(self) -> int:
        return len(self.lines)

    def __iter__(self) -> Iterator[LedgerLine]:
        return iter(self.lines)

    def of(self, *nodes: str) -> Ledger:
        """The lines of some nodes only, e.g. for a drawing; a parameter's name stands for its gradient's node.

        Raises:
            KeyError: no line defines such a node.
        """
        wanted = {n if any(line.node == n for line in self) else gradient_node(n) for n in nodes}
        found = tuple(line for line in self if line.node in wanted)
        missing = wanted - {line.node for line in found}
        if missing:
            known = ", ".join(line.node for line in self)
            raise KeyError(f"{', '.join(sorted(missing))} is no line of this ledger. Lines: {known}.")
        return replace(self, lines=found)

    def to_frame(self) -> pd.DataFrame:
        """One row per line, as a pandas DataFrame."""
        return frame_of(self)

    def to_markdown(self) -> str:
        """A GitHub table."""
        return markdown_of(self)

    def to_figure(self) -> Figure:
        """A drawing: one box per operand, inner dimensions side by side, a clash in red."""
        return figure_of(self)

    def __str__(self) -> str:
        return printed(self)
