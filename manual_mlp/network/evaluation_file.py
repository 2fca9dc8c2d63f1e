"""The file of an Evaluation: `.npz`, its description as JSON text beside the arrays."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from manual_mlp.arrays import Array, Arrays, Shape
from manual_mlp.network.parameters import load_parameters, save_parameters
from manual_mlp.nodes import LOSS, SAMPLE_WEIGHT

FORMAT, WEIGHTED = 1, 2  # of the file, without and with weights of the samples; a reader refuses what it does not know
DATA = ("x", "y", SAMPLE_WEIGHT)

T = TypeVar("T")


def write_evaluation(
    path: str | os.PathLike[str], description: Mapping[str, object], data: Arrays, groups: Mapping[str, Arrays]
) -> Path:
    """Write the data as they are called, and each group's arrays as `group/name`; whole or not at all."""
    version = WEIGHTED if SAMPLE_WEIGHT in data else FORMAT
    text = np.array(json.dumps({"format": version, **description}))
    named = {f"{group}/{name}": array for group, arrays in groups.items() for name, array in arrays.items()}
    return save_parameters(path, {"description": text, **data, **named})


def read_evaluation(path: str | os.PathLike[str], build: Callable[[Mapping[str, Any], Arrays], T]) -> T:
    """What `build` makes of description and arrays; a ValueError names the file, whatever is wrong with it."""
    arrays = load_parameters(path)
    none = f"{path} holds arrays, but no Evaluation: expected a file written by Evaluation.save."
    if not {"description", "x", "y"} <= arrays.keys():
        raise ValueError(none)
    try:
        description = json.loads(str(arrays["description"]))
        version = description.get("format")
    except (json.JSONDecodeError, AttributeError):
        raise ValueError(none) from None
    if version not in (FORMAT, WEIGHTED):
        raise ValueError(f"{path} has format {version!r}; this version reads up to {WEIGHTED}. Update gradient-diff.")
    try:
        return build(description, arrays)
    except (KeyError, TypeError) as error:
        raise ValueError(f"{none} Its description lacks or does not fit {error}.") from None
    except ValueError as error:
        raise ValueError(f"{path}: its description and its arrays do not fit. {error}") from None


def under(group: str, arrays: Arrays) -> dict[str, Array]:
    """The arrays of one group by their own names."""
    prefix = f"{group}/"
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def check_nodes(nodes: Arrays, expected: Mapping[str, Shape]) -> None:
    """E is there, and each node that the derivation knows has its shape; a tape need not give all of them."""
    if LOSS not in nodes:
        raise KeyError(f"nodes/{LOSS}")
    for name, array in nodes.items():
        if name not in expected:
            raise ValueError(f"nodes/{name} is no node of this network.")
        if array.shape != expected[name] or (array.dtype.kind != "f" and array.dtype.name != "bfloat16"):
            raise ValueError(
                f"nodes/{name} is {array.dtype} {array.shape}; expected numbers of shape {expected[name]}."
            )
