"""Parameters are a plain dict, name → array; what holds arrays on disk is `.npz`, read and written without pickle."""

from __future__ import annotations

import os
import tempfile
import tokenize
import zipfile
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from manual_mlp.arrays import Array

# Seen at files with bits flipped: beside NumPy's and zipfile's own errors, a bad deflate stream, a compression method
# or an encryption that is unknown (RuntimeError), a header that is no Python.
_OTHERS = (RuntimeError, SyntaxError, tokenize.TokenError)
_DAMAGED = (ValueError, EOFError, OSError, zipfile.BadZipFile, zlib.error, *_OTHERS)


def save_parameters(path: str | os.PathLike[str], parameters: Mapping[str, Array]) -> Path:
    """Write a dict of arrays as `.npz`, whole or not at all.

    Args:
        path: where to; the ending `.npz` is added where it is missing.
        parameters: name → array, e.g. `dense_1/kernel` (n_in, n_out), `dense_1/bias` (n_out,).

    Returns:
        The path written.

    Raises:
        TypeError: object arrays, which only pickle could store.
        ValueError: a name that the file could not give back: one with a NUL, or that ends in `.npy`.
        OSError: the place cannot be written, or the disk is full; an older file of that name stays as it was.

    Example:
        >>> import numpy as np, tempfile, pathlib
        >>> folder = pathlib.Path(tempfile.mkdtemp())
        >>> save_parameters(folder / "w", {"dense_1/bias": np.zeros(2)}).name
        'w.npz'
        >>> load_parameters(folder / "w.npz")
        {'dense_1/bias': array([0., 0.])}
    """
    _check_names(parameters)
    for name, array in parameters.items():
        if np.asarray(array).dtype.hasobject:
            raise TypeError(f"{name} is an array of Python objects, which is never stored. Convert it to numbers.")
    target = Path(path)
    if target.suffix != ".npz":
        target = target.with_name(target.name + ".npz")
    try:
        _write_whole(target, parameters)
    except OSError as error:
        raise type(error)(error.errno, f"{target} cannot be written: {error.strerror}. Choose another folder") from None
    return target


def _check_names(parameters: Mapping[str, Array]) -> None:
    """An archive keeps `a` as `a.npy`, and cuts a name at a NUL."""
    odd = [name for name in parameters if "\0" in name or name.endswith(".npy")]
    if odd:
        names = ", ".join(map(repr, odd))
        raise ValueError(f"{names}: a name with a NUL or with .npy at its end would be read as another.")


def _write_whole(target: Path, parameters: Mapping[str, Array]) -> None:
    handle, beside = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, **dict(parameters))  # type: ignore[arg-type]  # the stubs take a keyword for a flag
        Path(beside).chmod(0o666 & ~_umask())
        Path(beside).replace(target)
    except BaseException:
        Path(beside).unlink(missing_ok=True)
        raise


def _umask() -> int:
    """What mkstemp ignores: it keeps its files from everybody else."""
    mask = os.umask(0)
    os.umask(mask)
    return mask


def load_parameters(path: str | os.PathLike[str]) -> dict[str, Array]:
    """Read a dict of arrays from `.npz`.

    Args:
        path: the file.

    Returns:
        name → array, in the order of the file.

    Raises:
        FileNotFoundError: there is no such file.
        ValueError: it is no `.npz`, is truncated, or holds objects.

    Example:
        >>> import numpy as np, tempfile, pathlib
        >>> file = pathlib.Path(tempfile.mkdtemp()) / "w.npz"
        >>> _ = save_parameters(file, {"dense_1/kernel": np.eye(2)})
        >>> load_parameters(file)["dense_1/kernel"].shape
        (2, 2)
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"{path}: no such file. Expected an .npz written by save_parameters.")
    if not zipfile.is_zipfile(path):
        raise ValueError(f"{path} is not a whole .npz archive. Write it with save_parameters or np.savez.")
    try:
        # NumPy leaves a file that it opened itself open where its archive turns out to be damaged.
        with Path(path).open("rb") as file, np.load(file, allow_pickle=False) as archive:
            return {name: _array(name, archive[name]) for name in archive.files}
    except _DAMAGED as error:
        raise ValueError(f"{path} cannot be read as arrays of numbers: {error}. Objects are never unpickled.") from None


def _array(name: str, member: object) -> Array:
    if not isinstance(member, np.ndarray):  # what is no array in the archive comes as bytes
        raise ValueError(f"{name} is no array")  # noqa: TRY004 - the file is wrong, not a type in the code
    return member
