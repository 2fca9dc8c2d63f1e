"""A GradientDiff as DataFrame, CSV, JSON and Markdown."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gradient_diff.ledger.ledger import LedgerLine
from gradient_diff.metrics.record import Metrics
from gradient_diff.render.causes import heading, to_lines
from gradient_diff.render.columns import COLUMNS
from gradient_diff.render.ledgers import LEDGER_COLUMNS, fit
from gradient_diff.render.markdown import escape, table, titled
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row

if TYPE_CHECKING:
    import pandas as pd

_ROW_FIELDS = tuple(f.name for f in dataclasses.fields(Row) if f.name != "metrics")
_NO_CELLS = ("shape", "worst", "spread")  # the first is shape_hand again, the others are no single numbers
_QUANTILES = ("median_difference", "p90_difference", "p99_difference")
_METRIC_FIELDS = (*(f.name for f in dataclasses.fields(Metrics) if f.name not in _NO_CELLS), *_QUANTILES)
_DTYPES = {"float": "float64", "float | None": "float64", "int": "Int64"}  # of the frame, by annotation


def to_frame(diff: GradientDiff) -> pd.DataFrame:
    """One line per row: name, layer, formula, dtype, shapes, status, reason and every metric.

    Args:
        diff: the comparison.

    Returns:
        A DataFrame; metrics are missing where no value could be compared, counts are Int64, shapes and indices tuples.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> frame = to_frame(compare({"w": np.ones(2)}, {"w": np.array([1.0, 2.0])}))
        >>> frame[["name", "status", "differing"]]
          name        status  differing
        0    w  INCONCLUSIVE          1
    """
    import pandas as pd

    columns = [*_ROW_FIELDS, *_METRIC_FIELDS]
    frame = pd.DataFrame([_record(row) for row in diff.rows], columns=columns)
    kinds = {f.name: str(f.type) for cls in (Row, Metrics) for f in dataclasses.fields(cls)}
    kinds |= dict.fromkeys(_QUANTILES, "float")
    return frame.astype({c: _DTYPES[kinds[c]] for c in columns if kinds[c] in _DTYPES})


def ledger_frame(diff: GradientDiff) -> pd.DataFrame:
    """The matrix ledger, one line per equation.

    Args:
        diff: the comparison; without a known network it has no ledger.

    Returns:
        A DataFrame; its columns are those of `Ledger.to_frame`.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> ledger_frame(compare({"w": np.ones(2)}, {"w": np.ones(2)})).columns[:6].tolist()
        ['layer', 'node', 'formula', 'shapes', 'counterpart', 'fits']
    """
    return diff.ledger.to_frame()


def to_csv(diff: GradientDiff) -> str:
    r"""The rows as CSV, numbers with all their digits.

    Args:
        diff: the comparison.

    Returns:
        The text, with a head line and `\n` line ends.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> to_csv(compare({"w": np.ones(2)}, {"w": np.ones(2)})).splitlines()[1][:30]
        'w,,,float64,"(2,)","(2,)",MATC'
    """
    return str(to_frame(diff).to_csv(index=False, lineterminator="\n"))


def to_json(diff: GradientDiff) -> str:
    """Everything but the arrays as JSON that strict parsers read.

    Args:
        diff: the comparison.

    Returns:
        The text of one object: verdict, message, advice, exit_code, ok, culprit, remark, origins, causes,
        unexplained, rows, ledger.
        NaN and infinities, which JSON does not know, are the strings "NaN", "Infinity" and "-Infinity"; what is
        missing is null.

    Example:
        >>> import json, numpy as np
        >>> from gradient_diff import compare
        >>> data = json.loads(to_json(compare({"w": np.zeros(2)}, {"w": np.zeros(2)})))
        >>> data["verdict"], data["rows"][0]["cosine"]
        ('VACUOUS', 'NaN')
    """
    verdict = diff.verdict
    data = {
        "verdict": verdict.name,
        "message": diff.meaning(verdict).message,
        "advice": diff.meaning(verdict).advice,
        "exit_code": verdict.exit_code,
        "ok": diff.ok,
        "culprit": diff.culprit,
        "remark": diff.remark,
        "hand_origin": diff.hand_origin,
        "reference_origin": diff.reference_origin,
        "problem": diff.problem.to_dict() if diff.problem else None,
        "causes": [dataclasses.asdict(cause) for cause in diff.causes],
        "unexplained": diff.unexplained,
        "rows": [_record(row) | _details(row) for row in diff.rows],
        "ledger": [{name: getattr(line, name) for name in LEDGER_COLUMNS} for line in diff.ledger],
    }
    return json.dumps(_plain(data), allow_nan=False, ensure_ascii=False, indent=1)


def to_markdown(diff: GradientDiff) -> str:
    r"""Headline, rows, causes and ledger as GitHub tables, for an issue or a pull request.

    Args:
        diff: the comparison.

    Returns:
        The text; whatever a name holds is shown and not interpreted.

    Example:
        >>> import numpy as np
        >>> from gradient_diff import compare
        >>> print(to_markdown(compare({"a|b": np.ones(2)}, {"a|b": np.ones(2)})).splitlines()[6][:21])
        | a\|b | (2,) | 0 | 0
    """
    sides = f"hand: {diff.hand_origin}, reference: {diff.reference_origin}"
    head = [f"**{escape(diff.headline())}**", "", *([escape(diff.remark), ""] if diff.remark else []), escape(sides)]
    cells = ([c.cell(row) for c in COLUMNS] for row in diff.rows)
    rows = table([c.title for c in COLUMNS], [c.numeric for c in COLUMNS], cells)
    reasons = [_reason(diff, row) for row in diff.rows if not row.status.ok]
    causes = titled(heading(diff), to_lines(diff))
    parts = [
        *head,
        "",
        *rows,
        *causes,
        *titled("Not MATCH", reasons),
        *titled("Matrix ledger", _ledger_table(diff.ledger)),
    ]
    return "\n".join(parts) + "\n"


def _reason(diff: GradientDiff, row: Row) -> str:
    if row.downstream:
        return f"- {escape(f'{row.name}: {row.status.name}, downstream')}"
    return f"- {escape(f'{row.name}: {row.status.name}, {row.reason}.')} {escape(diff.meaning(row.status).advice)}"


def _ledger_table(lines: Sequence[LedgerLine]) -> list[str]:
    cells = ([x.layer, x.formula, x.shapes, x.counterpart, fit(x)] for x in lines)
    return table(["layer", "equation", "shapes", "must fit", "fits"], [False] * 5, cells) if lines else []


def _record(row: Row) -> dict[str, Any]:
    """A row as flat data; the status by its name."""
    values = {name: getattr(row, name) for name in _ROW_FIELDS} | {"status": row.status.name}
    return values | {name: None if row.metrics is None else getattr(row.metrics, name) for name in _METRIC_FIELDS}


def _details(row: Row) -> dict[str, Any]:
    """What JSON can hold and a cell cannot."""
    if row.metrics is None:
        return {"decades": None, "worst": None}
    return {"decades": row.metrics.decades, "worst": [entry._asdict() for entry in row.metrics.worst]}


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
