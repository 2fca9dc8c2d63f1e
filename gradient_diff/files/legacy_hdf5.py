"""Legacy `.h5`, as Keras 2 wrote it and Keras 3 still does: the groups of layers list their weights in attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import h5py  # type: ignore[import-untyped]  # it ships no types

_OF_A_MODEL = "model_weights"


def legacy_names(file: h5py.File, found: dict[str, h5py.Dataset]) -> dict[str, str]:
    """Path → `<layer.name>/<kernel|bias>` in the order of the model; empty for another layout.

    A layer's group has `weight_names` such as `sequential/dense/kernel:0`; what is left of that below the layer is the
    weight's own name. The optimizer's state stands in another group.
    """
    root = f"{_OF_A_MODEL}/" if _OF_A_MODEL in file else ""
    top = file[root or "/"]
    places = dict(_places(top)) if "layer_names" in top.attrs else {}
    return {f"{root}{place}": name for place, name in places.items() if f"{root}{place}" in found}


def _places(top: h5py.Group) -> Iterator[tuple[str, str]]:
    """Path below the top group → name."""
    for layer in _texts(top, "layer_names"):
        for weight in _texts(top[layer], "weight_names") if layer in top else ():
            short = f"/{weight.split(':')[0]}".rpartition(f"/{layer}/")[2]
            yield f"{layer}/{weight}", f"{layer}/{short.lstrip('/')}"


def _texts(group: h5py.Group, attribute: str) -> list[str]:
    names = np.ravel(group.attrs.get(attribute, ()))
    return [name.decode(errors="replace") if isinstance(name, bytes) else str(name) for name in names]
