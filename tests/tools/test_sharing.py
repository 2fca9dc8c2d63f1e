"""One group for all that needs the run of one study, one for each other file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from experiments import STUDIES
from tools.sharing import HOMES, group_of

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("nodeid", "group"),
    [
        ("tests/test_wheel.py::test_a[x]", "tests/test_wheel.py"),
        ("tests/experiments/test_command.py::test_a", "tests/experiments/test_command.py"),
        ("tests/experiments/article_a_sine/test_training.py::test_a[1]", "tests/experiments/article_a_sine"),
        ("tests/experiments/test_reference.py::test_a[sine_regression]", "tests/experiments/article_a_sine"),
        ("tests/experiments/test_reference.py::test_a[x-tape_pitfalls]", "tests/experiments/article_d_pitfalls"),
        ("tests/experiments/test_reference.py::test_a[who_is_wrong]", "tests/experiments/beyond"),
        ("tests/experiments/beyond/vanishing/test_dtypes.py::test_a", "tests/experiments/beyond/vanishing"),
        ("experiments/beyond/who_is_wrong.py::experiments.beyond.who_is_wrong", "experiments/beyond/who_is_wrong.py"),
    ],
)
def test_a_study_and_what_asks_for_it_are_one_group(nodeid: str, group: str) -> None:
    assert group_of(nodeid) == group


def test_each_test_file_of_a_study_lies_in_its_home() -> None:
    files = {path: path.read_text("utf-8") for path in (ROOT / "tests" / "experiments").rglob("test_*.py")}
    pattern = re.compile(r'^STUDY = "(\w+)"', re.MULTILINE)
    studies = {path: found[1] for path, text in files.items() if (found := pattern.search(text))}
    assert len(studies) > 8
    for path, study in studies.items():
        assert group_of(f"{path.relative_to(ROOT).as_posix()}::test_a") == str(HOMES[study])
    assert HOMES.keys() == STUDIES.keys()


def _alone() -> dict[str, str]:
    """Without what a worker of our own would pass on, and without plugins that take time to load."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {**ours, "PYTHONPATH": path, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}


def test_pytest_hands_out_whole_files(tmp_path: Path) -> None:
    """With the versions that are installed, since one of pytest's once lost the groups without a word."""
    (tmp_path / "conftest.py").write_text((ROOT / "tests" / "conftest.py").read_text("utf-8"))
    for name in ("a", "b"):
        (tmp_path / f"test_{name}.py").write_text(
            "import os, pytest\n"
            "@pytest.mark.parametrize('i', range(8))\n"
            f"def test_x(i):\n    print('of', '{name}', os.environ['PYTEST_XDIST_WORKER'])\n"
        )
    options = ["-p", "xdist", "-n", "2", "--dist", "loadgroup", "-rP", "-p", "no:cacheprovider"]
    command = (sys.executable, "-m", "pytest", *options, ".")
    done = subprocess.run(command, cwd=tmp_path, env=_alone(), capture_output=True, text=True, check=False)
    ran = re.findall(r"^of (\w) (\w+)$", done.stdout, re.MULTILINE)
    assert (done.returncode, len(ran)) == (0, 16), done.stdout + done.stderr
    assert len(set(ran)) == 2
