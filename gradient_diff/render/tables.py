"""A GradientDiff as DataFrame, CSV, JSON and Markdown."""

from __future__ import annotations

import dataclasses
import json
import math
from typing import TYPE_CHECKING, Any

from gradient_diff.files.code_json import code_to_json, finding_to_json
from gradient_diff.files.diff_json import SCHEMA, problem_to_json
from gradient_diff.metrics.record import Metrics
from gradient_diff.render import sheet
from gradient_diff.render.causes import heading, to_lines
from gradient_diff.render.code_markdown import code_markdown
from gradient_diff.render.columns import row_sheet
from gradient_diff.render.ledgers import ledger_data, ledger_sheet
from gradient_diff.render.sheet import Sheet, escape, titled
from gradient_diff.result.code import origin_name
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.row import Row

if TYPE_CHECKING:
    import pandas as pd

_NO_CELLS = ("metrics", "by_sigma", "shape", "worst", "spread")  # told by others, or no single numbers
_KINDS = {f.name: str(f.type) for kind in (Row, Metrics) for f in dataclasses.fields(kind) if f.name not in _NO_CELLS}
_KINDS |= dict.fromkeys(("median_difference", "p90_difference", "p99_difference"), "float")
_DTYPES = {"float": "float64", "float | None": "float64", "int": "Int64"}  # of the frame, by annotation


def row_data(diff: GradientDiff) -> Sheet:
    """The rows for files: name, layer, formula, dtype, shapes, status, reason and every metric, as they are."""
    return Sheet(tuple(_KINDS), tuple(tuple(_value(row, name) for name in _KINDS) for row in diff.rows))


def _value(row: Row, name: str) -> Any:
    """None where no value could be compared; the status by its name."""
    value = getattr(row, name) if hasattr(row, name) else getattr(row.metrics, name, None)
    value = row.status.name if name == "status" else value
    return float(value) if value is not None and _KINDS[name].startswith("float") else value


def to_frame(diff: GradientDiff) -> pd.DataFrame:
    """One line per row; counts are Int64, shapes and indices tuples."""
    dtypes = {name: _DTYPES[kind] for name, kind in _KINDS.items() if kind in _DTYPES}
    if any(row.metrics is not None and row.metrics.max_ulps >= 2**63 for row in diff.rows):
        dtypes["max_ulps"] = "UInt64"  # from the largest float64 to the smallest there are nearly 2⁶⁴
    return sheet.to_frame(row_data(diff)).astype(dtypes)


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
    return sheet.to_csv(row_data(diff))


def to_json(diff: GradientDiff) -> str:
    """Everything but the arrays as JSON that strict parsers read; `files/diff.schema.json` describes it.

    NaN and infinities, which JSON does not know, are the strings "NaN", "Infinity" and "-Infinity"; what is missing is
    null.
    """
    verdict, rows = diff.verdict, sheet.to_records(row_data(diff))
    data = {
        "schema": SCHEMA,
        "verdict": verdict.name,
        "message": diff.meaning(verdict).message,
        "advice": diff.meaning(diff.outcome).advice,
        "exit_code": diff.exit_code(),
        "ok": diff.ok,
        "unproved": list(diff.unproved),
        "culprit": diff.culprit,
        "remark": diff.remark,
        "title": diff.title,
        "notes": diff.notes,
        "changed": diff.changed,
        "meanings": {s.name: {"message": m.message, "advice": m.advice} for s, m in diff.meanings.items()},
        "with_ledger": diff.with_ledger,
        "hand_origin": origin_name(diff.hand_origin),
        "reference_origin": origin_name(diff.reference_origin),
        "problem": problem_to_json(diff.problem) if diff.problem else None,
        "causes": [_cause(cause) for cause in diff.causes],
        "unexplained": diff.unexplained,
        "rows": [record | _details(row) for record, row in zip(rows, diff.rows, strict=True)],
        "ledger": sheet.to_records(ledger_data(diff.ledger)),
        "code": code_to_json(diff.code) if diff.code else None,
    }
    return json.dumps(_plain(data), allow_nan=False, ensure_ascii=False, indent=1)


def _cause(cause: Cause) -> dict[str, Any]:
    finding = finding_to_json(cause.finding) if cause.finding else None
    return dataclasses.asdict(dataclasses.replace(cause, finding=None)) | {"finding": finding}


def to_markdown(diff: GradientDiff) -> str:
    """Headline, rows, causes, lines and ledger as GitHub tables; whatever a name holds is shown and not interpreted."""
    sides = f"hand: {origin_name(diff.hand_origin)}, reference: {origin_name(diff.reference_origin)}"
    parts = [
        *(f"**{escape(diff.headline())}**", ""),
        *([escape(diff.remark), ""] if diff.remark else []),
        *(escape(sides), ""),
        *sheet.to_markdown(row_sheet(diff.rows)),
        *titled(heading(diff), to_lines(diff)),
        *code_markdown(diff),
        *titled("Not MATCH", [_reason(diff, row) for row in diff.rows if not row.status.ok]),
        *titled("Matrix ledger", sheet.to_markdown(ledger_sheet(diff.ledger)) if diff.ledger else []),
    ]
    return "\n".join(parts) + "\n"


def _reason(diff: GradientDiff, row: Row) -> str:
    if row.downstream:
        return f"- {escape(f'{row.name}: {row.status.name}, downstream')}"
    return f"- {escape(f'{row.name}: {row.status.name}, {row.reason}.')} {escape(diff.meaning(row.status).advice)}"


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
