"""`.safetensors`: a header and raw bytes."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from gradient_diff.files.archives import check_size
from gradient_diff.wording import printable
from manual_mlp import Array

_NEEDS_ML_DTYPES = {"BF16"}


def read_safetensors(path: Path, most: int) -> dict[str, Array]:
    """Read every tensor, by name: the file does not keep the order in which they were given."""
    from safetensors import SafetensorError, safe_open

    check_size(path, path.stat().st_size, most)
    try:
        with safe_open(str(path), framework="np") as file:
            kinds = {name: str(file.get_slice(name).get_dtype()) for name in file.keys()}  # noqa: SIM118  (no mapping)
            _check_kinds(path, kinds)
            return {name: file.get_tensor(name) for name in kinds}
    except (SafetensorError, TypeError, AttributeError, KeyError) as error:  # the last three: a dtype it cannot map
        raise ValueError(f"{path} cannot be read as safetensors: {error}. Save it again.") from None


def _check_kinds(path: Path, kinds: dict[str, str]) -> None:
    """NumPy knows bfloat16 only once ml_dtypes, which TensorFlow brings, has been imported."""
    needing = [name for name, kind in kinds.items() if kind in _NEEDS_ML_DTYPES]
    if not needing:
        return
    if find_spec("ml_dtypes") is None:
        listed = ", ".join(map(printable, needing))
        raise ValueError(f"{path}: {listed} is bfloat16, for which NumPy needs ml_dtypes: pip install ml_dtypes.")
    import ml_dtypes  # noqa: F401  (registers the dtype)
