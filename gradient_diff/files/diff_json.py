"""A saved comparison read again: all but its arrays, of which names, shapes and dtypes are known.

`diff.schema.json` beside this file describes what is saved, `gradient_diff.render.tables` writes it. What is read may
come from anybody's hand: whatever does not fit is a ValueError that says what.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from gradient_diff.files.code_json import code_from_json, finding_from_json
from gradient_diff.metrics.histogram import Spread
from gradient_diff.metrics.record import Entry, Metrics
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.findings import Cause
from gradient_diff.result.row import Row
from gradient_diff.result.status import Meaning, Status
from gradient_diff.wording import printable
from manual_mlp import MLP, Array, Loss, Problem
from manual_mlp.extend import SAMPLE_WEIGHT

SCHEMA = 1  # of diff.json; a reader refuses what it does not know
_SHARES = {0.5: "median_difference", 0.9: "p90_difference", 0.99: "p99_difference"}
_LARGEST = 2**40  # entries of a shape that is believed


@dataclass(frozen=True, eq=False)
class _Told(Spread):
    """A histogram of which only what is shown is known."""

    known: tuple[tuple[int, int], ...] = ()
    quantiles: Mapping[float, float] = field(default_factory=dict)

    def decades(self) -> tuple[tuple[int, int], ...]:
        return self.known

    def quantile(self, share: float) -> float:
        return self.quantiles[share]


def problem_to_json(problem: Problem) -> dict[str, object]:
    """Its description, with what else the arrays would tell."""
    more = {"batch": problem.batch, "dtype": problem.dtype.name, "training": problem.training}
    return {**problem.to_dict(), **more}


def read_diff(path: Path) -> GradientDiff:
    """The comparison in a diff.json; OSError or ValueError with its name where there is none."""
    try:
        data = json.loads(path.read_text("utf-8"))
        return diff_from_json(data)
    except (KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError) as error:
        reason = f"{type(error).__name__}: {printable(str(error))}"
        raise ValueError(f"{path.name} is no saved comparison ({reason}). Save it again.") from None
    except ValueError as error:
        raise ValueError(f"{path.name} is no saved comparison: {printable(str(error))}") from None


def diff_from_json(data: Any) -> GradientDiff:
    """The comparison again, its arrays zeros without memory."""
    if not isinstance(data, dict) or "schema" not in data:
        raise ValueError(
            "expected an object with the field schema; an earlier version may have saved it. Save it again."
        )
    if data["schema"] != SCHEMA:
        raise ValueError(f"schema {data['schema']!r}; this version reads {SCHEMA}. Update gradient-diff.")
    rows = tuple(map(_row, data["rows"]))
    return GradientDiff(
        rows,
        {row.name: _zeros(row.shape_hand, row.dtype) for row in rows if row.shape_hand is not None},
        {row.name: _zeros(row.shape_reference, row.dtype) for row in rows if row.shape_reference is not None},
        str(data["hand_origin"]),
        str(data["reference_origin"]),
        _problem(data["problem"]) if data["problem"] else None,
        tuple(map(_cause, data["causes"])),
        str(data["unexplained"]),
        changed=tuple(map(str, data["changed"])),
        meanings={Status[name]: Meaning(str(m["message"]), str(m["advice"])) for name, m in data["meanings"].items()},
        title=str(data["title"]),
        with_ledger=bool(data["with_ledger"]),
        notes=tuple(map(str, data["notes"])),
        code=code_from_json(data["code"]) if data["code"] else None,
    )


def _row(record: Mapping[str, Any]) -> Row:
    texts: dict[str, Any] = {
        name: str(record[name]) for name in ("name", "layer", "formula", "dtype", "reason", "judge")
    }
    numbers: dict[str, Any] = {
        name: _number(record[name]) for name in ("distance", "isolated_hand", "isolated_reference")
    }
    shapes: dict[str, Any] = {name: _shape(record[name]) for name in ("shape_hand", "shape_reference")}
    metrics = None if record["worst"] is None else _metrics(record, shapes["shape_hand"] or ())
    status, downstream = Status[record["status"]], bool(record["downstream"])
    return Row(status=status, downstream=downstream, metrics=metrics, **texts, **numbers, **shapes)


def _metrics(record: Mapping[str, Any], shape: tuple[int, ...]) -> Metrics:
    told = ("shape", "worst", "spread", "worst_index")
    kinds = {f.name: str(f.type) for f in fields(Metrics) if f.name not in told}
    values: dict[str, Any] = {name: _metric(record[name], kind) for name, kind in kinds.items()}
    worst = tuple(Entry(_shape(e["index"]) or (), _float(e["hand"]), _float(e["reference"])) for e in record["worst"])
    decades = tuple((int(k), int(n)) for k, n in record["decades"])
    quantiles = {share: _float(record[name]) for share, name in _SHARES.items()}
    spread = _Told(known=decades, quantiles=quantiles)
    return Metrics(shape=shape, worst=worst, spread=spread, worst_index=_shape(record["worst_index"]) or (), **values)


def _metric(value: Any, kind: str) -> float | int:
    return _float(value) if kind == "float" else int(value)


def _number(value: Any) -> float | None:
    return None if value is None else _float(value)


def _float(value: Any) -> float:
    """NaN and infinities are words in JSON."""
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
        return float(value)
    raise ValueError(f"expected a number, found {value!r}")


def _shape(value: Any) -> tuple[int, ...] | None:
    if value is None:
        return None
    if not all(isinstance(n, int) and 0 <= n < _LARGEST for n in value) or len(value) > 32:
        raise ValueError(f"expected a shape, found {value!r}")
    return tuple(value)


def _zeros(shape: tuple[int, ...] | None, dtype: str) -> Array:
    return np.broadcast_to(np.zeros((), _dtype(dtype)), shape or ())


def _dtype(name: str) -> Any:
    """bfloat16 is none of NumPy's; float32 stands for it where no value is looked at."""
    return np.dtype(np.float32 if name in ("", "bfloat16") else name)


def _cause(record: Mapping[str, Any]) -> Cause:
    told = dict(record)
    finding = finding_from_json(told.pop("finding"), "causes.finding") if told["finding"] else None
    lists: dict[str, Any] = {name: tuple(map(str, told.pop(name))) for name in ("same_as", "together")}
    return Cause(**{**told, "residual": _float(told["residual"]), "finding": finding}, **lists)


def _problem(data: Mapping[str, Any]) -> Problem:
    """The description, with arrays of the right shapes."""
    mlp, loss = MLP.from_dict(data), Loss(**data["loss"])
    leaves = mlp.leaf_shapes(int(data["batch"]), loss, weighted=bool(data.get(SAMPLE_WEIGHT)))
    arrays = {name: _zeros(_shape(shape), data["dtype"]) for name, shape in leaves.items()}
    x, y, weight = arrays.pop("x"), arrays.pop("y"), arrays.pop(SAMPLE_WEIGHT, None)
    parameters = {name: arrays.pop(name) for name in mlp.parameter_shapes}
    return Problem(mlp, parameters, x, y, loss, bool(data["fused"]), arrays, weight, bool(data["training"]))
