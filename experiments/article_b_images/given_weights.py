"""Trained weights from a file: our names, or W1, b1, W2, … as in article B's file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from experiments.support.datasets import DataError
from manual_mlp import MLP, Array, load_parameters
from manual_mlp.extend import Arrays

_DATASETS = {64: "digits", 784: "mnist"}  # by n_0
_SHORT = {"W": "kernel", "b": "bias"}


def weights_from(path: Path, mlp: MLP, dtype: str) -> dict[str, Array]:
    """Read a network's weights from `.npz`, without pickle."""
    try:
        held = load_parameters(path)
    except (OSError, ValueError) as error:
        raise DataError(f"--weights {error}") from None
    arrays = _renamed(path, mlp, held)
    _check(path, mlp, arrays, dtype)
    return {name: arrays[name].astype(dtype) for name in mlp.parameter_shapes}


def _renamed(path: Path, mlp: MLP, held: Arrays) -> dict[str, Array]:
    arrays: dict[str, Array] = {}
    for name, array in held.items():
        ours = _our_name(mlp, name)
        if ours != name and ours in held:
            raise DataError(
                f"--weights {path}: {ours} is there twice, as {name} and by its own name. Keep one of them."
            )
        arrays[ours] = array
    return arrays


def _our_name(mlp: MLP, name: str) -> str:
    """W2 → the kernel of the second layer; anything else as it is."""
    found = re.fullmatch(r"([Wb])([1-9][0-9]*)", name)
    if not found or int(found[2]) > len(mlp.layers):
        return name
    return f"{mlp.layers[int(found[2]) - 1].name}/{_SHORT[found[1]]}"


def _check(path: Path, mlp: MLP, arrays: Arrays, dtype: str) -> None:
    widths = "-".join(map(str, (mlp.inputs, *mlp.units)))
    wanted = mlp.parameter_shapes
    text = f"--weights {path} does not fit {widths}, whose parameters are {_listed(wanted)}"
    if arrays.keys() != wanted.keys() or any(arrays[name].shape != shape for name, shape in wanted.items()):
        held = _listed({name: array.shape for name, array in arrays.items()})
        raise DataError(f"{text}; it holds {held}. {_advice(mlp, arrays)}")
    odd = [n for n, a in arrays.items() if a.dtype.kind != "f" or not _finite_in(a, dtype)]
    if odd:
        raise DataError(f"{text}: {', '.join(odd)} should be finite floating-point numbers in {dtype}.")


def _advice(mlp: MLP, arrays: Arrays) -> str:
    """Where only n_0 is another: which data have it."""
    shapes = {name: array.shape for name, array in arrays.items()}
    first, wanted = next(iter(mlp.parameter_shapes.items()))
    inputs = shapes.get(first, (mlp.inputs,))[:1]
    if inputs != (mlp.inputs,) and shapes == {**mlp.parameter_shapes, first: (*inputs, *wanted[1:])}:
        fitting = f": add --dataset {_DATASETS[inputs[0]]}" if inputs[0] in _DATASETS else ", which no --dataset has"
        return f"These weights are for {inputs[0]} inputs{fitting}."
    return "Another --dataset has another n_0; names may also be W1, b1, W2, …"


def _finite_in(array: Array, dtype: str) -> bool:
    with np.errstate(over="ignore"):
        return bool(np.isfinite(array.astype(dtype)).all())


def _listed(shapes: Mapping[str, tuple[object, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
