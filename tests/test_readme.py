from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def printed_by(code: str) -> str:
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_example_prints_what_the_readme_says() -> None:
    code, output = blocks("python")[0], blocks("text")[0]
    assert len(code.splitlines()) <= 15
    assert printed_by(code).splitlines() == output.splitlines()


def test_the_example_can_fail() -> None:
    code = blocks("python")[0].replace("5 * gradient", "7 * gradient")
    assert code != blocks("python")[0]
    assert printed_by(code).splitlines() != blocks("text")[0].splitlines()


@pytest.mark.parametrize("line", re.findall(r"^\.venv/bin/gradient-diff (\w+)", README, re.MULTILINE))
def test_each_command_exists(line: str) -> None:
    from experiments.cli import app

    assert CliRunner().invoke(app, [line, "--help"]).exit_code == 0


def test_each_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (Path(__file__).parents[1] / link).exists()] == []
