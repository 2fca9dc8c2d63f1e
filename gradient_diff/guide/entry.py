"""What the guide holds of one mistake beyond its record."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from gradient_diff.guide.nets import NETS, Net
from gradient_diff.guide.skeletons import Layout

Change: TypeAlias = tuple[str, str] | tuple[str, str, str]
"""(right, wrong), or (what the program has, right, wrong) where the right way is spelled otherwise, too."""
Changes: TypeAlias = Change | list[Change]


@dataclass(frozen=True, eq=False)
class Entry:
    """Why a mistake is made, where it was met, and the code that makes it.

    Attributes:
        id: of the record.
        why: why people make it, in a sentence or two.
        derivation: a key of `DERIVATIONS`: the formula that it breaks, step by step.
        net: a key of `NETS`.
        rows, columns: the change of the net's program, or several; columns are as rows where None.
        met: where it was met: an article, an issue, a book.
    """

    id: str
    why: str
    derivation: str
    net: str
    rows: Changes
    columns: Changes | None = None
    met: tuple[str, ...] = ()

    @property
    def shown_on(self) -> Net:
        """The network."""
        return NETS[self.net]

    def changes(self, layout: Layout) -> list[Change]:
        """What is changed in the program."""
        found = self.columns if layout == "columns" and self.columns is not None else self.rows
        return found if isinstance(found, list) else [found]

    def code(self, layout: Layout, *, wrong: bool) -> str:
        """The whole program, with the mistake or without; ValueError where its place is not the only one."""
        program = self.shown_on.program(layout)
        for change in self.changes(layout):
            if program.count(change[0]) != 1:
                raise ValueError(f"{self.id}, {layout}: {change[0]!r} stands {program.count(change[0])} times in it.")
            program = program.replace(change[0], change[-1] if wrong else change[-2])
        return program
