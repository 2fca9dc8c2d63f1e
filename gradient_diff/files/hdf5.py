"""`.h5`: Keras 3's layout of weights, or arrays at any depth. Nothing outside the file is ever opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradient_diff.files.legacy_hdf5 import legacy_names
from gradient_diff.wording import printable
from manual_mlp import Array

if TYPE_CHECKING:
    import h5py  # type: ignore[import-untyped]  # it ships no types


_DENSE = re.compile(r"dense(_\d+)?")
_VARIABLES = ("kernel", "bias")  # in the order in which a dense layer makes them


def read_hdf5(path: Path) -> dict[str, Array]:
    """Read every array of the file, kernel before bias, else by path; links are not followed, but refused.

    Keras 3's `.weights.h5` has `layers/dense_1/vars/0`, counted per class, with the layer's own name as an attribute of
    `vars`; it becomes `<layer.name>/kernel`. A legacy `.h5` is read in the model's order. The optimizer's state is left
    out.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            _check_links(file)
            found = _datasets(file)
            names = legacy_names(file, found) or _in_order(_names(file, found))
            _check_apart(names)
            return {name: _array(path, place, found[place]) for place, name in names.items()}
    except (OSError, RuntimeError, KeyError) as error:
        raise ValueError(f"{path} cannot be read as HDF5: {error}. Save it again.") from None


def _datasets(file: h5py.File) -> dict[str, h5py.Dataset]:
    """Path → dataset, by hard links alone: those stay inside the file."""
    import h5py

    found: dict[str, h5py.Dataset] = {}

    def visit(name: str, item: object) -> None:
        if isinstance(item, h5py.Dataset):
            found[name] = item

    file.visititems(visit)
    return found


def _check_links(file: h5py.File) -> None:
    import h5py

    links: list[str] = []
    file.visititems_links(lambda name, link: None if isinstance(link, h5py.HardLink) else links.append(name))
    if links:
        raise ValueError(
            f"{file.filename}: {', '.join(map(printable, links))}: a link, which is not followed. "
            "Copy what it points to in its place."
        )


def _array(path: Path, place: str, dataset: h5py.Dataset) -> Array:
    if dataset.external or dataset.is_virtual:
        raise ValueError(
            f"{path}: {printable(place)} lies in another file, which is not opened. Copy it into this one."
        )
    if dataset.dtype.kind not in "fiu":
        raise ValueError(f"{path}: {printable(place)} is {dataset.dtype}; expected an array of numbers.")
    return np.asarray(dataset[()])


def _names(file: h5py.File, found: dict[str, h5py.Dataset]) -> dict[str, str]:
    """Path → `<layer.name>/<kernel|bias>`, the optimizer's state left out; of any other file each path is a name."""
    if "layers" not in file:
        return {place: place for place in found}
    return {place: _keras_name(file, place) for place in found if not place.startswith("optimizer/")}


def _check_apart(names: dict[str, str]) -> None:
    if len(set(names.values())) < len(names):
        twice = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
        raise ValueError(f"Two layers of this file have one name: {', '.join(map(printable, twice))}. Name them apart.")


def _keras_name(file: h5py.File, place: str) -> str:
    """A layer inside a layer is named with both."""
    *groups, kind, number = ["", "", *place.split("/")]
    if kind != "vars" or not groups[-1]:
        return place
    parts = [g for g in groups if g]
    layers = [i for i, part in enumerate(parts) if part != "layers" and i and parts[i - 1] == "layers"]
    called = [_layer_name(file, "/".join(parts[: i + 1]), parts[i]) for i in layers] or parts
    short = _VARIABLES[int(number)] if _DENSE.fullmatch(parts[-1]) and number in ("0", "1") else f"vars/{number}"
    return "/".join([*called, short])


def _layer_name(file: h5py.File, group: str, otherwise: str) -> str:
    variables = file.get(f"{group}/vars")
    name = variables.attrs.get("name", otherwise) if variables is not None else otherwise
    return name.decode() if isinstance(name, bytes) else str(name)


def _in_order(names: dict[str, str]) -> dict[str, str]:
    """`dense_2` before `dense_10`, and 0 before 1."""

    def key(place: str) -> list[tuple[int, str]]:
        return [(len(p), p) if any(c.isdigit() for c in p) else (0, p) for p in _parts(place)]

    return {place: names[place] for place in sorted(names, key=key)}


def _parts(place: str) -> list[str]:
    """`layers/dense_10/vars/0` → layers, dense, 10, vars, 0."""
    return re.findall(r"\d+|[^\d/]+", place)
