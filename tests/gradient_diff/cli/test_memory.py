"""A course's submissions, one after the other: the memory that is taken does not grow with their number."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from manual_mlp import MLP, Dense

pytestmark = [
    pytest.mark.slow,  # hundreds of files
    pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="no /proc to read the largest memory from"),
]

WIDTH = 360  # a submission of 1 MB, so that one that is kept stands out from what Python's allocator does
HANDFUL = 8  # submissions: one that is read, its copies in float64, and what drawing leaves behind
# The process itself says how much it took: what its parent is told counts the parent's own memory, too.
COMMAND = """
import sys
from gradient_diff.cli import main
try:
    main()
finally:
    print(open("/proc/self/status").read(), file=sys.stderr)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A reference, and two submissions: a right one and a wrong one."""
    folder = tmp_path_factory.mktemp("course")
    mlp, rng = MLP(WIDTH, [Dense(WIDTH, "tanh"), Dense(3)]), np.random.default_rng(0)
    x, y = rng.normal(size=(4, WIDTH)), rng.normal(size=(4, 3))
    reference = mlp.backpropagate(mlp.initialize(0), x, y, "mse")
    reference.save(folder / "reference.npz")
    for name, factor in (("right", 1.0), ("wrong", -1.0)):
        np.savez(folder / f"{name}.npz", **{n: factor * g for n, g in reference.gradients.items()})  # type: ignore[arg-type]
    return folder


def _largest(folder: Path, right: int, wrong: int, *options: str) -> int:
    """Bytes that the command took at most, for so many files of each kind."""
    place = folder / f"{right} and {wrong} {options}"
    place.mkdir()
    for kind, count in (("wrong", wrong), ("right", right)):
        for i in range(count):
            (place / f"{kind}{i}.npz").hardlink_to(folder / f"{kind}.npz")
    files = sorted(map(str, place.glob("wrong*.npz"))) + sorted(map(str, place.glob("right*.npz")))
    command = [sys.executable, "-c", COMMAND, "compare", *files, str(folder / "reference.npz"), *options]
    done = subprocess.run(
        [*command, "--out", str(place / "marks")], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=os.environ,
        text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (1 if wrong else 0), done.stderr
    found = re.search(r"^VmHWM:\s*(\d+) kB$", done.stderr, re.MULTILINE)
    assert found, done.stderr
    return 1024 * int(found[1])


@pytest.mark.parametrize(
    ("options", "few", "many"),
    [
        (("--reports", "wrong"), (50, 2), (350, 2)),
        (("--reports", "none"), (0, 12), (0, 36)),
        (("--reports", "all"), (4, 4), (16, 16)),
    ],
    ids=["right ones", "wrong ones", "with a report of each"],
)
def test_more_files_take_no_more_memory(
    options: tuple[str, ...], few: tuple[int, int], many: tuple[int, int], folder: Path
) -> None:
    size = (folder / "right.npz").stat().st_size
    growth = _largest(folder, *many, *options) - _largest(folder, *few, *options)
    assert HANDFUL * size < (sum(many) - sum(few)) * size, "too few files to see that they are kept"
    assert growth < HANDFUL * size
