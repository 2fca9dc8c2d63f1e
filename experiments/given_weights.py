"""Trained weights from a file: our names, or W1, b1, W2, … as in article B's file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from experiments.datasets import DataError
from manual_mlp import MLP, load_parameters

Array = npt.NDArray[Any]

_SHORT = {"W": "kernel", "b": "bias"}


def weights_from(path: Path, mlp: MLP, dtype: str) -> dict[str, Array]:
    """Read a network's weights from `.npz`, without pickle.

    Args:
        path: the file: `dense_1/kernel` (n_in, n_out), `dense_1/bias` (n_out,), …, or W1, b1, …
        mlp: the network that they are for.
        dtype: that they are wanted in.

    Returns:
        name → array.

    Raises:
        DataError: no such file, a damaged one, or other names, shapes or values than the network has.

    Example:
        >>> import tempfile
        >>> from manual_mlp import Dense, save_parameters
        >>> path = save_parameters(Path(tempfile.mkdtemp()) / "w", {"W1": np.ones((2, 1)), "b1": np.zeros(1)})
        >>> weights_from(path, MLP(2, [Dense(1)]), "float64")["dense_1/kernel"].shape
        (2, 1)
    """
    try:
        arrays = {_our_name(mlp, name): array for name, array in load_parameters(path).items()}
    except (OSError, ValueError) as error:
        raise DataError(f"--weights {error}") from None
    _check(path, mlp, arrays)
    return {name: arrays[name].astype(dtype) for name in mlp.parameter_shapes}


def _our_name(mlp: MLP, name: str) -> str:
    """W2 → the kernel of the second layer; anything else as it is."""
    found = re.fullmatch(r"([Wb])([1-9][0-9]*)", name)
    if not found or int(found[2]) > len(mlp.layers):
        return name
    return f"{mlp.layers[int(found[2]) - 1].name}/{_SHORT[found[1]]}"


def _check(path: Path, mlp: MLP, arrays: Mapping[str, Array]) -> None:
    widths = "-".join(map(str, (mlp.inputs, *mlp.units)))
    wanted = mlp.parameter_shapes
    text = f"--weights {path} does not fit {widths}, whose parameters are {_listed(wanted)}"
    if arrays.keys() != wanted.keys() or any(arrays[name].shape != shape for name, shape in wanted.items()):
        held = _listed({name: array.shape for name, array in arrays.items()})
        raise DataError(f"{text}; it holds {held}. Another --dataset has another n_0; names may also be W1, b1, W2, …")
    odd = [n for n, a in arrays.items() if a.dtype.kind != "f" or not np.isfinite(a).all()]
    if odd:
        raise DataError(f"{text}: {', '.join(odd)} should be finite floating-point numbers.")


def _listed(shapes: Mapping[str, tuple[object, ...]]) -> str:
    return ", ".join(f"{name} {shape}" for name, shape in shapes.items()) or "nothing"
