"""Five hundred files, twenty of them damaged, two runs at once, one killed: the marks are just what they should be."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from manual_mlp import Evaluation
from tools.fuzz_files import DAMAGES

pytestmark = pytest.mark.slow  # it starts the command four times

COUNT, DAMAGED, WRONG = 500, 20, 30
COMMAND = (sys.executable, "-m", "gradient_diff", "compare")


@pytest.fixture
def submissions(answer: Evaluation, tmp_path: Path) -> dict[str, str]:
    """File → the verdict that it deserves."""
    rng = np.random.default_rng(0)
    (tmp_path / "in").mkdir()
    verdicts = {}
    for i in range(COUNT):
        path = tmp_path / "in" / f"s{i:03}.npz"
        factor = -1.0 if i % (COUNT // WRONG) == 1 else 1.0
        np.savez(path, **{n: factor * g for n, g in answer.gradients.items()})  # type: ignore[arg-type]  # as everywhere
        verdicts[str(path)] = "MATCH" if factor == 1 else "MISMATCH"
        if i % (COUNT // DAMAGED) == 0:
            path.write_bytes(DAMAGES["cut"](rng, path.read_bytes()))
            verdicts[str(path)] = "UNREADABLE"
    return verdicts


def _marks(out: Path) -> dict[str, str]:
    with (out / "summary.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["file"]: row["verdict"] for row in csv.DictReader(file)}


def test_the_marks_are_what_they_should_be(submissions: dict[str, str], reference: Path, tmp_path: Path) -> None:
    out, files = tmp_path / "marks", list(submissions)
    more = (str(reference), "--out", str(out), "--reports", "none")
    halves = [
        subprocess.Popen([*COMMAND, *half, *more], stdout=subprocess.DEVNULL) for half in (files[::2], files[1::2])
    ]
    codes = [half.wait(300) for half in halves]
    if 4 in codes:  # on a busy machine the second may have waited in vain, and says so; then it is its turn
        half = files[codes.index(4) :: 2]
        codes[codes.index(4)] = subprocess.run(
            [*COMMAND, *half, *more], stdout=subprocess.DEVNULL, check=False
        ).returncode
    assert sorted(codes) in ([1, 1], [1, 2])
    assert _marks(out) == submissions
    assert Counter(submissions.values())["UNREADABLE"] == DAMAGED

    with subprocess.Popen([*COMMAND, *files, *more], stdout=subprocess.DEVNULL) as killed:
        end = time.monotonic() + 60
        while not list(tmp_path.glob(".marks-*")) and time.monotonic() < end:
            time.sleep(0.01)
        killed.send_signal(signal.SIGKILL)
    assert _marks(out) == submissions

    last = subprocess.run([*COMMAND, *files, str(reference), "--out", str(out)], stdout=subprocess.DEVNULL, check=False)
    assert last.returncode == 1
    assert _marks(out) == submissions
    written = {page.parent.name for page in out.glob("*/report.html")}
    wrong = {Path(file).stem for file, verdict in submissions.items() if verdict == "MISMATCH"}
    assert written == wrong
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in", "marks", "reference.npz"]
