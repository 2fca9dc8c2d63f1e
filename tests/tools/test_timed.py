"""tools/timed.sh says how long a command took, and ends as the command ended."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "tools" / "timed.sh"


@pytest.mark.parametrize("code", [0, 3])
def test_the_time_is_told_and_the_exit_code_passed_on(code: int) -> None:
    command = ["sh", str(SCRIPT), "make test", "sh", "-c", f"echo at work; exit {code}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, "")
    assert re.fullmatch(r"at work\nmake test took 0:0[01]\n", done.stdout)


def test_minutes_are_minutes(tmp_path: Path) -> None:
    clock = tmp_path / "date"
    clock.write_text("#!/bin/sh\nif [ -e now ]; then echo 1312; else touch now; echo 1000; fi\n")
    clock.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    command = ["sh", str(SCRIPT), "make test", "true"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "make test took 5:12\n"
