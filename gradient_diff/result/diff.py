"""GradientDiff: the result of a comparison as data. Renderings read it and compute nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from gradient_diff.calling import in_place
from gradient_diff.ledger.building import live_ledger
from gradient_diff.ledger.ledger import Ledger
from gradient_diff.result.blaming import said_by_causes, said_by_line
from gradient_diff.result.code import Code
from gradient_diff.result.findings import Cause, Smallest
from gradient_diff.result.row import Row
from gradient_diff.result.status import Meaning, Status, gravest
from gradient_diff.shown import frame_of, html_of, printed, save_report
from manual_mlp import Array, Problem, gradient_node
from manual_mlp.extend import is_gradient

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd

_NAMED = 3  # rows in a headline


_OF_NO_MISTAKE = {Status.MISSING, Status.NONFINITE, Status.REFERENCE_OFF}
"""What no mistake of the list explains in the hand."""


@dataclass(frozen=True, eq=False)
class GradientDiff:
    """Hand against reference, node by node in the order of the computation.

    Attributes:
        rows: one `Row` per node.
        hand, reference: the arrays compared, node → array.
        hand_origin, reference_origin: who computed them.
        problem: the network and data, where they are known.
        causes: the mistakes found, best first.
        unexplained: where the difference sits, if rows are off and no known mistake explains them.
        smallest: the smallest case that still shows it, where the derivation could be called again.
        changed: arguments that the derivation changed in place, where it is a function.
        meanings: of statuses whose own words do not fit this comparison.
        with_ledger: whether the matrix ledger is shown, where the network is known.
        notes: further sentences of the `remark`.
        code: of a derivation that was handed over as code: its expressions to blame, and what each line is.
        title: of a page about it; empty for "<hand> against <reference>".

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> diff = compare({"w": np.ones(2)}, {"w": np.ones(2)})
        >>> diff.verdict.name, diff.ok, diff["w"].metrics.relative_l2
        ('MATCH', True, 0.0)
    """

    rows: tuple[Row, ...]
    hand: Mapping[str, Array] = field(repr=False)
    reference: Mapping[str, Array] = field(repr=False)
    hand_origin: str
    reference_origin: str
    problem: Problem | None = field(default=None, repr=False)
    causes: tuple[Cause, ...] = ()
    unexplained: str = ""
    smallest: Smallest | None = None
    changed: tuple[str, ...] = ()
    meanings: Mapping[Status, Meaning] = field(default_factory=dict, repr=False)
    title: str = ""
    with_ledger: bool = True
    notes: tuple[str, ...] = ()
    code: Code | None = field(default=None, repr=False)

    @cached_property
    def verdict(self) -> Status:
        """The gravest status of any row that was judged."""
        return gravest(row.status for row in self.rows)

    @cached_property
    def unproved(self) -> tuple[str, ...]:
        """The rows that prove nothing: zero on these data, or lost in rounding, so that zeros would pass, too."""
        return tuple(row.name for row in self.rows if row.status is Status.VACUOUS)

    @cached_property
    def ledger(self) -> Ledger:
        """The matrix ledger of the hand's arrays; empty where the network is unknown."""
        return live_ledger(self.problem, self.hand) if self.problem and self.with_ledger else Ledger()

    @property
    def outcome(self) -> Status:
        """The verdict, or VACUOUS where it is MATCH and some rows prove nothing: whose colour and advice are shown."""
        return Status.VACUOUS if self.verdict.ok and self.unproved else self.verdict

    @property
    def ok(self) -> bool:
        """Whether every row is right, and none is unproved."""
        return self.passes()

    def passes(self, allow_kinks: bool = False, allow_vacuous: bool = False) -> bool:
        """Whether every row is proved right, or of a status that is allowed.

        Args:
            allow_kinks: whether sides that differ only through units at a kink pass; any subgradient is right there.
            allow_vacuous: whether rows pass that prove nothing.

        Returns:
            True or False; of no rows at all nothing is proved.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> diff = compare({"w": np.ones(2), "b": np.zeros(2)}, {"w": np.ones(2), "b": np.zeros(2)})
            >>> diff.ok, diff.unproved, diff.passes(allow_vacuous=True)
            (False, ('b',), True)
        """
        allowed = {Status.MATCH: True, Status.KINK: allow_kinks, Status.VACUOUS: allow_vacuous}
        return bool(self.rows) and all(allowed.get(row.status, False) for row in self.rows)

    def exit_code(self, allow_kinks: bool = False, allow_vacuous: bool = False) -> int:
        """0 proved right; 1 wrong, different, or at a kink; 2 not proved.

        Args:
            allow_kinks: as in `passes`.
            allow_vacuous: as in `passes`.

        Returns:
            What a command ends with.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> compare({"w": np.zeros(2)}, {"w": np.zeros(2)}).exit_code()
            2
        """
        if self.passes(allow_kinks, allow_vacuous):
            return 0
        return 1 if self.verdict.bad or (self.verdict is Status.KINK and not allow_kinks) else 2

    @cached_property
    def culprit(self) -> str | None:
        """The first bad node in the order of the computation, those that only follow from another left out."""
        return next((row.name for row in self.rows if row.status.bad and not row.downstream), None)

    @property
    def remark(self) -> str:
        """What the derivation changed in place or leaves open; where else to look, if the culprit may be innocent.

        Empty where there is nothing to say.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> from manual_mlp import MLP, Dense
            >>> mlp = MLP(1, [Dense(1)])
            >>> e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.zeros((2, 1)), "mse")
            >>> compare({n: 2 * g for n, g in e.gradients.items()}, e).remark
            'Only parameter gradients are at hand: the guilty equation may be the one above it, δ = dE/dz (dense_1).'
        """
        return " ".join(text for text in (in_place(self.changed), self._elsewhere(), *self.notes) if text)

    def _elsewhere(self) -> str:
        equations = {e.node: e for e in self.problem.equations} if self.problem else {}
        if self.culprit not in equations or self[self.culprit].status not in (Status.MISMATCH, Status.DIFFERENT):
            return ""
        if self._has_line:
            return ""  # it says which equation
        unseen = [o for o in equations[self.culprit].operands if is_gradient(o) and o not in self.hand]
        if not unseen:
            return ""
        layer = self[self.culprit].layer
        if any(row.status.ok for row in self.rows if row.layer == layer and is_gradient(row.name, "kernel", "bias")):
            return ""  # what is above has gone into that row, too
        above = equations[unseen[0]]
        blamed = self.causes[0].layer if self._explained else ""
        if blamed and above.layer not in blamed.split(", "):
            return ""  # the cause stands in another layer
        return (
            "Only parameter gradients are at hand: the guilty equation may be the one above it, "
            f"{above.formula} ({above.layer})."
        )

    def meaning(self, status: Status) -> Status | Meaning:
        """Message and advice of a status in this comparison: of the verdict, what was done and where, and its cure.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> compare({"w": np.ones(2)}, {"w": np.ones(2)}).meaning(Status.MATCH).advice
            'Nothing to do.'
        """
        if status in self.meanings or status is not self.verdict:
            return self.meanings.get(status, status)
        if self._explained:
            return said_by_causes(self.causes)
        return said_by_line(self.code) if self.code and self._has_line else status

    @property
    def _explained(self) -> bool:
        """Whether the first cause says all that there is to say: of every row that is off."""
        off = {row.status for row in self.rows if row.status.bad}
        if not off or self.unexplained or not self.causes or off & _OF_NO_MISTAKE:
            return False
        return bool(self.causes[0].title and self.causes[0].cure) and not self.causes[0].asked

    @property
    def _has_line(self) -> bool:
        """Whether an expression of the code handed over is to blame for what is wrong with the hand."""
        if not self.verdict.bad or self.verdict in (Status.REFERENCE_OFF, Status.MISSING):
            return False
        return self.code is not None and bool(self.code.findings)

    def __bool__(self) -> bool:
        raise ValueError(
            "The truth value of a GradientDiff is ambiguous: ask .ok, which is True only if all is proved."
        )

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

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
        if self.verdict.ok and self.unproved:
            return f"{self.verdict.name}, but {self._unproved_words()}"
        first = f"; first bad row: {self.culprit}" if self.culprit else ""
        if self.culprit and self[self.culprit].status is not self.verdict:
            first += f", {self[self.culprit].status.name}"
        if self.unproved and self.verdict in (Status.KINK, Status.INCONCLUSIVE):
            first += f"; {self._unproved_words()}"
        return f"{self.verdict.name}: {self._meaning} ({count} of {len(self.rows)} rows){first}"

    def _unproved_words(self) -> str:
        names = ", ".join((*self.unproved[:_NAMED], "…") if len(self.unproved) > _NAMED else self.unproved)
        verb = "proves" if len(self.unproved) == 1 else "prove"
        return f"{len(self.unproved)} of {len(self.rows)} rows {verb} nothing: {names}"

    @property
    def _meaning(self) -> str:
        """What the verdict comes to here."""
        if self.verdict.bad and self.causes and all(cause.convention for cause in self.causes):
            names = ", ".join(cause.id for cause in self.causes)
            return f"the two sides follow different conventions, {names}, which is no mistake"
        return self.meaning(self.verdict).message

    def scalars(self) -> dict[str, float]:
        """What is to be followed in a training, as numbers by name.

        Returns:
            `exit_code`, 0 where all is right and proved; `distance/<layer>`, the largest of its rows, in σ, of those
            that have one; `mistake/<id>`, 1 for each cause that was found.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> from manual_mlp import MLP, Dense
            >>> mlp, x = MLP(2, [Dense(1)]), np.eye(2)
            >>> right = mlp.backpropagate(mlp.initialize(0), x, np.ones((2, 1)), "mse")
            >>> compare(right.gradients, right).scalars()
            {'exit_code': 0.0, 'distance/dense_1': 0.0}
        """
        found: dict[str, float] = {"exit_code": float(self.exit_code())}
        for row in self.rows:
            if row.distance is not None:
                name = f"distance/{row.layer or row.name}"
                found[name] = max(found.get(name, 0.0), float(row.distance))
        return found | {f"mistake/{cause.id}": 1.0 for cause in self.causes}

    def to_frame(self) -> pd.DataFrame:
        """One line per row, as a pandas DataFrame.

        Example:
            >>> import numpy as np
            >>> from gradient_diff import compare
            >>> compare({"w": np.ones(2)}, {"w": np.ones(2)}).to_frame()["status"].tolist()
            ['MATCH']
        """
        return frame_of(self)

    def save(self, folder: str | os.PathLike[str]) -> Path:
        """Write tables, figures and a page about it into a folder: `write_report(self, folder)`.

        Example:
            >>> import numpy as np, pathlib, tempfile
            >>> from gradient_diff import compare
            >>> diff = compare({"w": np.eye(2)}, {"w": np.eye(2)})
            >>> diff.save(pathlib.Path(tempfile.mkdtemp()) / "run").name
            'report.html'
        """
        return save_report(self, folder)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.headline()}>"

    def __str__(self) -> str:
        return printed(self)

    def _repr_html_(self) -> str:
        return html_of(self)


def proved_together(diffs: Collection[GradientDiff]) -> bool:
    """Whether comparisons along a way are all right, and each row is proved in one of them at least.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> early, late = ({"w": np.full(2, v)} for v in (1.0, 0.0))
        >>> proved_together([compare(late, late)]), proved_together([compare(early, early), compare(late, late)])
        (False, True)
    """
    proved = {row.name for diff in diffs for row in diff if row.status.ok}
    return bool(diffs) and all(d.passes(allow_vacuous=True) and proved.issuperset(d.unproved) for d in diffs)
