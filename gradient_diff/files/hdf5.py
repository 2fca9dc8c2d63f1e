"""`.h5`: Keras 3's layout of weights, or arrays at any depth. Nothing outside the file is ever opened."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gradient_diff.wording import printable
from manual_mlp import Array

if TYPE_CHECKING:
    import h5py  # type: ignore[import-untyped]  # it ships no types


_DENSE = re.compile(r"dense(_\d+)?")
_VARIABLES = ("kernel", "bias")  # in the order in which a dense layer makes them


def read_hdf5(path: Path) -> dict[str, Array]:
    """Read every array of the file, kernel before bias, else by path; links are not followed, but refused.

    Keras 3's `.weights.h5` has `layers/dense_1/vars/0`, counted per class, with the layer's own name as an attribute of
    `vars`; it becomes `<layer.name>/kernel`. The optimizer's state is left out.
    """
    import h5py

    try:
        with h5py.File(path, "r") as file:
            _check_links(file)
            found = _datasets(file)
            names = _keras_names(file, found) if "layers" in file else {name: name for name in found}
            return {names[place]: _array(path, place, found[place]) for place in _in_order(names)}
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


def _keras_names(file: h5py.File, found: dict[str, h5py.Dataset]) -> dict[str, str]:
    """Path → `<layer.name>/<kernel|bias>`, the optimizer's state left out."""
    names = {place: _keras_name(file, place) for place in found if not place.startswith("optimizer/")}
    if len(set(names.values())) < len(names):
        twice = sorted({name for name in names.values() if list(names.values()).count(name) > 1})
        raise ValueError(f"Two layers of this file have one name: {', '.join(map(printable, twice))}. Name them apart.")
    return names


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


def _in_order(names: dict[str, str]) -> list[str]:
    """`dense_2` before `dense_10`, and 0 before 1."""
    return sorted(
        names, key=lambda place: [(len(p), p) if any(c.isdigit() for c in p) else (0, p) for p in _parts(place)]
    )


def _parts(place: str) -> list[str]:
    """`layers/dense_10/vars/0` → layers, dense, 10, vars, 0."""
    return re.findall(r"\d+|[^\d/]+", place)
