"""GradientDiff: the result of a comparison as data. Renderings read it and compute nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy.typing as npt

from gradient_diff.metrics import Metrics
from gradient_diff.shapes import LedgerLine
from gradient_diff.status import Status, gravest
from manual_mlp import Problem, gradient_node

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Row:
    """One node of the comparison.

    Attributes:
        name: the node, e.g. `dense_2/dE_dkernel`.
        layer: its layer.
        formula: its equation, where the network is known.
        dtype: of the coarser side, in whose noise it is judged.
        shape_hand, shape_reference: None for the side that has no such array.
        status: see `Status`.
        reason: why, in words with numbers.
        metrics: None where no value could be compared.

    Example:
        >>> Row("w", "", "", "float64", (1,), (1,), Status.MATCH, "bit-equal").status.name
        'MATCH'
    """

    name: str
    layer: str
    formula: str
    dtype: str
    shape_hand: tuple[int, ...] | None
    shape_reference: tuple[int, ...] | None
    status: Status
    reason: str
    metrics: Metrics | None = None


@dataclass(frozen=True, eq=False)
class GradientDiff:
    """Hand against reference, node by node in the order of the computation.

    Attributes:
        rows: one `Row` per node.
        hand, reference: the arrays compared, node → array.
        hand_origin, reference_origin: who computed them.
        problem: the network and data, where they are known.
        ledger: the matrix ledger, where the network is known.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> diff = compare({"w": np.ones(2)}, {"w": np.ones(2)})
        >>> diff.verdict.name, diff.ok, diff["w"].metrics.relative_l2
        ('MATCH', True, 0.0)
    """

    rows: tuple[Row, ...]
    hand: Mapping[str, npt.NDArray[Any]] = field(repr=False)
    reference: Mapping[str, npt.NDArray[Any]] = field(repr=False)
    hand_origin: str
    reference_origin: str
    problem: Problem | None = field(default=None, repr=False)
    ledger: tuple[LedgerLine, ...] = field(default=(), repr=False)

    @cached_property
    def verdict(self) -> Status:
        """The gravest status of any row."""
        return gravest(row.status for row in self.rows)

    @property
    def ok(self) -> bool:
        """Whether the verdict is MATCH."""
        return self.verdict.ok

    @cached_property
    def culprit(self) -> str | None:
        """The first bad node in the order of the computation."""
        return next((row.name for row in self.rows if row.status.bad), None)

    def __getitem__(self, name: str) -> Row:
        """The row of a node, or of a parameter's gradient by the parameter's name."""
        for wanted in (name, gradient_node(name) if "/" in name else name):
            for row in self.rows:
                if row.name == wanted:
                    return row
        raise KeyError(f"{name!r} is no row of this diff. Rows: {', '.join(r.name for r in self.rows)}")

    def headline(self) -> str:
        """The verdict in one line.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> compare({"w": np.ones(2)}, {"w": np.ones(2)}).headline()
            'MATCH: the difference is no larger than rounding explains (1 of 1 rows)'
        """
        count = sum(row.status is self.verdict for row in self.rows)
        first = f"; first at {self.culprit}" if self.culprit else ""
        return f"{self.verdict.name}: {self.verdict.message} ({count} of {len(self.rows)} rows){first}"

    def to_frame(self) -> pd.DataFrame:
        """One line per row, as a pandas DataFrame.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> compare({"w": np.ones(2)}, {"w": np.ones(2)}).to_frame()["status"].tolist()
            ['MATCH']
        """
        from gradient_diff.render.tables import to_frame

        return to_frame(self)

    def __str__(self) -> str:
        from gradient_diff.render.terminal import to_text

        return to_text(self)

    def _repr_html_(self) -> str:
        from gradient_diff.render.html import to_fragment

        return to_fragment(self)
