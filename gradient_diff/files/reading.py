"""One function for every kind of file: the ending says what it should be, the first bytes what it is."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

from gradient_diff.files.archives import check_members
from gradient_diff.files.capture import capture_in
from gradient_diff.files.hdf5 import read_hdf5
from gradient_diff.files.tensors import read_safetensors
from gradient_diff.wording import printable
from manual_mlp import Array, Evaluation, load_parameters

_ZIP, _HDF5, _HEADER = "a zip archive, as .npz files are", "an HDF5 file", "a safetensors file"
_SIGNS = {
    b"PK\x03\x04": _ZIP,
    b"PK\x05\x06": _ZIP,
    b"\x89HDF\r\n\x1a\n": _HDF5,
    b"\x93NUMPY": "a single array without a name, as np.save writes it",
    b"\x80": "a pickle, and those are never read",
}
_NAMED = 8  # bytes in which a safetensors file says how long its header is


def read_gradients(path: str | os.PathLike[str]) -> dict[str, Array] | Evaluation:
    """Read a file of gradients.

    Args:
        path: `.npz`, `.safetensors`, `.h5`, `.hdf5` or `.weights.h5`. Of Keras's own layout in HDF5 the names are
            `<layer.name>/<kernel|bias>`; of any other each array's path inside the file.

    Returns:
        name → array; or the `Evaluation`, problem included, where the file was written by `Evaluation.save`; of a file
        of `gradient-diff capture` the gradients as they were computed.

    Raises:
        OSError: there is no such file, or it cannot be opened.
        ValueError: it is not what its name says, is truncated or empty, or holds something else than numbers.

    Example:
        >>> import numpy as np, tempfile, pathlib
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.npz"
        >>> np.savez(path, **{"dense_1/bias": np.zeros(2)})
        >>> read_gradients(path)
        {'dense_1/bias': array([0., 0.])}
    """
    return read_within(path, memory() // 2)


def read_within(path: str | os.PathLike[str], most: int) -> dict[str, Array] | Evaluation:
    """The same, if headers say that the arrays take no more than so many bytes: nothing is unpacked before."""
    file = Path(path)
    shown = printable(str(path))
    ending = next((e for e in ENDINGS if file.name.lower().endswith(e)), None)
    if ending is None:
        raise ValueError(f"{shown}: expected a file that ends in {', '.join(ENDINGS)}.")
    wanted, read = ENDINGS[ending]
    _check_kind(file, shown, wanted)
    try:
        content = read(file, most)
    except MemoryError:
        raise ValueError(f"{shown} holds arrays that are too large for this machine's memory.") from None
    except ValueError as error:
        raise ValueError(printable(str(error))) from None
    except OSError:
        raise
    except Exception as error:  # noqa: BLE001  # a damaged file may make a reader raise anything
        raise ValueError(f"{shown} cannot be read: {type(error).__name__}: {printable(str(error))}.") from None
    return content if isinstance(content, Evaluation) else _numbers(shown, content)


def memory() -> int:
    """Bytes of this machine; where it does not say, a lot."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return 2**36


def _read_npz(path: Path, most: int) -> dict[str, Array] | Evaluation:
    check_members(path, most)
    arrays = load_parameters(path)
    if (captured := capture_in(arrays, printable(str(path)))) is not None:
        return dict(captured.gradients)
    return Evaluation.load(path) if {"description", "x", "y"} <= arrays.keys() else arrays


ENDINGS: Mapping[str, tuple[str, Callable[[Path, int], dict[str, Array] | Evaluation]]] = {
    ".npz": (_ZIP, _read_npz),
    ".safetensors": (_HEADER, read_safetensors),
    ".weights.h5": (_HDF5, read_hdf5),
    ".h5": (_HDF5, read_hdf5),
    ".hdf5": (_HDF5, read_hdf5),
}
"""Ending → (what the file should be, its reader)."""


def _check_kind(file: Path, shown: str, wanted: str) -> None:
    """A file under a wrong name is told apart from a damaged one."""
    if file.is_dir():
        raise ValueError(f"{shown} is a folder: expected a file of gradients.")
    if file.exists() and not file.is_file():
        raise ValueError(f"{shown} is no ordinary file, but a pipe or a device: save the gradients in one.")
    with file.open("rb") as opened:
        start = opened.read(_NAMED + 1)
    if not start:
        raise ValueError(f"{shown} is empty, 0 bytes: save it again.")
    found = next((kind for sign, kind in _SIGNS.items() if start.startswith(sign)), None)
    if start[_NAMED:] == b"{":  # its first bytes are a number, which may look like anything
        found = _HEADER
    if found != wanted:
        raise ValueError(f"{shown} should be {wanted}, by its name, but is {found or 'none'}. {_cure(found)}")


def _cure(found: str | None) -> str:
    fit = [ending for ending, (kind, _) in ENDINGS.items() if kind == found]
    return (
        f"Name it *{min(fit, key=len)}, or save it again."
        if fit
        else "Save it again, one array per parameter: np.savez(path, **gradients)."
    )


def _numbers(shown: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    if not arrays:
        raise ValueError(f"{shown} holds no arrays. Save one gradient per parameter, name → array.")
    for name, array in arrays.items():
        if array.dtype.kind not in "fiu" and array.dtype.name != "bfloat16":
            hint = " NumPy's files forget what bfloat16 is: save it as float32." if array.dtype.kind == "V" else ""
            raise ValueError(f"{shown}: {printable(name)} is {array.dtype}; expected an array of numbers.{hint}")
    return {name: np.asarray(array) for name, array in arrays.items()}
