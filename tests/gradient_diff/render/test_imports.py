"""Comparing must start fast: what only renderings need is imported where it is used."""

import subprocess
import sys

import pytest

HEAVY = ("pandas", "matplotlib", "rich", "jinja2", "PIL", "tensorflow", "keras")
PROBE = "import sys; {code}; print(*[m for m in {heavy} if m in sys.modules])"


def _loaded(code: str) -> list[str]:
    probe = PROBE.format(code=code, heavy=HEAVY)
    return subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize("module", ["gradient_diff", "gradient_diff.render"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert _loaded(f"import {module}") == []


def test_this_test_can_fail() -> None:
    assert _loaded("import gradient_diff.render, rich") == ["rich"]


def test_comparing_loads_nothing_heavy() -> None:
    assert _loaded("import numpy, gradient_diff as g; g.compare({'w': numpy.ones(2)}, {'w': numpy.ones(2)})") == []


def test_a_report_needs_no_matplotlib() -> None:
    code = (
        "import numpy, tempfile, gradient_diff as g; "
        "g.write_report(g.compare({'w': numpy.eye(2)}, {'w': numpy.eye(2)}), tempfile.mkdtemp())"
    )
    assert _loaded(code) == ["jinja2"]
