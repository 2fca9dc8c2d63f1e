"""A file's text and changes to it, in bytes, as Python counts columns."""

from __future__ import annotations

import ast
import itertools
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Edit:
    """Stretches of the text, each written otherwise: (start, end, instead), in bytes; the dearer, the less likely."""

    changes: tuple[tuple[int, int, str], ...]
    cost: int
    renames: tuple[str, str] | None = None  # what was read, and what is read instead

    def meets(self, other: Edit) -> bool:
        """Whether both change the same text."""
        pairs = itertools.product(self.changes, other.changes)
        return any((a < d and c < b) or (a, b) == (c, d) for (a, b, _), (c, d, _) in pairs)


class Text:
    """The user's file, in bytes, as Python counts columns."""

    def __init__(self, lines: Sequence[str]) -> None:
        encoded = [line.encode() for line in lines]
        self.bytes = b"".join(encoded)
        self._starts = [0, *itertools.accumulate(map(len, encoded))]

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        """From where to where a node stands."""
        end, behind = node.end_lineno or node.lineno, node.end_col_offset or node.col_offset
        return self._starts[node.lineno - 1] + node.col_offset, self._starts[end - 1] + behind

    def of(self, node: ast.expr | ast.stmt) -> str:
        """What stands there."""
        start, end = self.span(node)
        return self.bytes[start:end].decode()

    def replaced(self, node: ast.expr | ast.stmt, instead: str) -> str:
        """All of the file, with something else in a node's place."""
        start, end = self.span(node)
        return self.bytes[:start].decode() + instead + self.bytes[end:].decode()

    def edited(self, node: ast.expr | ast.stmt, edits: Sequence[Edit]) -> str:
        """What would stand there."""
        start, end = self.span(node)
        parts, at = [], start
        for a, b, instead in sorted(c for e in edits for c in e.changes):
            parts += [self.bytes[at:a].decode(), instead]
            at = b
        return "".join([*parts, self.bytes[at:end].decode()])
