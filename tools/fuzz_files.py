"""Damage files of gradients at random, and read each: it ends in arrays or in a sentence, soon and in little memory.

python tools/fuzz_files.py 10000
"""

from __future__ import annotations

import io
import signal
import sys
import tempfile
import tracemalloc
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py  # type: ignore[import-untyped]  # it ships no types
import numpy as np
from safetensors.numpy import save

from gradient_diff.files.reading import read_within
from manual_mlp import MLP, Dense

SECONDS, MEGABYTES = 10, 64  # of one file; each has some kilobytes
MOST = 2**22  # bytes of arrays that may be unpacked
Damage = Callable[[np.random.Generator, bytes], bytes]


def main(count: int) -> int:
    """Read so many damaged files; 1 if any of them ended in anything but arrays or a sentence."""
    with tempfile.TemporaryDirectory() as folder:
        found = Counter(outcome for _, outcome in outcomes(count, Path(folder)))
    for outcome, times in found.most_common():
        sys.stdout.write(f"{times:7,}  {outcome}\n")
    return int(bool(found.keys() - {"arrays", "a sentence"}))


def outcomes(count: int, folder: Path, seed: int = 0) -> Iterator[tuple[str, str]]:
    """(which file and damage, what came of it), for so many damaged files."""
    rng, whole = np.random.default_rng(seed), originals(folder)
    for number in range(count):
        name = sorted(whole)[number % len(whole)]
        title = sorted(DAMAGES)[number // len(whole) % len(DAMAGES)]
        path = folder / f"damaged{Path(name).suffix}"
        path.write_bytes(DAMAGES[title](rng, whole[name]))
        yield f"{name}, {title}, number {number} of seed {seed}", outcome_of(path)


def outcome_of(path: Path) -> str:
    """What reading a file ends in."""
    tracemalloc.start()
    try:
        with limited(SECONDS):
            read_within(path, MOST)
        outcome = "arrays"
    except ValueError as error:
        outcome = "a sentence" if str(error).isprintable() else f"no sentence: {error!r}"
    except Exception as error:  # noqa: BLE001  # this is what is looked for
        outcome = f"{type(error).__name__}: {str(error)[:80]}"
    peak = tracemalloc.get_traced_memory()[1] / 2**20
    tracemalloc.stop()
    return outcome if peak <= MEGABYTES else f"{outcome}, but {peak:.0f} MB"


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise where something takes longer; only on systems with alarms."""
    if not hasattr(signal, "SIGALRM"):
        yield
        return

    def stop(number: int, frame: object) -> None:
        raise TimeoutError(f"longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def originals(folder: Path) -> dict[str, bytes]:
    """Whole files of every kind: plain and packed archives, an Evaluation, HDF5, Keras's layout in it, safetensors."""
    rng = np.random.default_rng(0)
    shapes = {"kernel": (4, 3), "bias": (3,)}
    arrays = {f"dense_{i}/{kind}": rng.normal(size=shape) for i in (1, 2) for kind, shape in shapes.items()}
    mlp = MLP(3, [Dense(2, "tanh"), Dense(1)])
    evaluation = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(4, 3)), rng.normal(size=(4, 1)), "mse")
    plain, packed = io.BytesIO(), io.BytesIO()
    np.savez(plain, **arrays)  # type: ignore[arg-type]  # the stubs take a keyword for a flag
    np.savez_compressed(packed, **arrays)  # type: ignore[arg-type]  # as above
    return {
        "plain.npz": plain.getvalue(),
        "packed.npz": packed.getvalue(),
        "evaluation.npz": evaluation.save(folder / "evaluation.npz").read_bytes(),
        "arrays.h5": _hdf5(arrays),
        "keras.weights.h5": _hdf5({f"layers/dense/vars/{i}": a for i, a in enumerate(arrays.values())}),
        "arrays.safetensors": save({n: a.astype(np.float32) for n, a in arrays.items()}),
    }


def _hdf5(arrays: dict[str, np.ndarray]) -> bytes:
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for name, array in arrays.items():
            file[name] = array
    return content.getvalue()


def _flipped(rng: np.random.Generator, content: bytes) -> bytes:
    """One to eight bytes are others."""
    changed = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 9)):
        changed[place] ^= int(rng.integers(1, 256))
    return bytes(changed)


def _at_the_ends(rng: np.random.Generator, content: bytes) -> bytes:
    """The same within the first or last 400 bytes, where headers are."""
    size = min(400, len(content) // 2)
    if rng.random() < 0.5:
        return _flipped(rng, content[:size]) + content[size:]
    return content[:-size] + _flipped(rng, content[-size:])


def _cut(rng: np.random.Generator, content: bytes) -> bytes:
    return content[: rng.integers(0, len(content))]


def _overwritten(rng: np.random.Generator, content: bytes) -> bytes:
    """A run of bytes is zero, ones, or noise."""
    start = int(rng.integers(0, len(content)))
    size = int(min(rng.integers(1, 200), len(content) - start))
    patch = [bytes(size), b"\xff" * size, rng.bytes(size)][rng.integers(3)]
    return content[:start] + patch + content[start + size :]


def _repeated(rng: np.random.Generator, content: bytes) -> bytes:
    """A piece stands there twice, or is missing."""
    a, b = sorted(int(i) for i in rng.integers(0, len(content), 2))
    return content[:b] + content[a:] if rng.random() < 0.5 else content[:a] + content[b:]


DAMAGES: dict[str, Damage] = {
    "bytes flipped": _flipped,
    "flipped in a header": _at_the_ends,
    "cut": _cut,
    "overwritten": _overwritten,
    "a piece twice or missing": _repeated,
}

if __name__ == "__main__":
    raise SystemExit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
