from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def printed_by(code: str) -> str:
    command, wide = [sys.executable, "-W", "error", "-c", code], {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=wide)
    assert done.returncode == 0, done.stderr
    return done.stdout


def example(first_line: str) -> tuple[str, str]:
    """The code below a heading, and what the README says it prints."""
    part = README[README.index(first_line) :]
    code, output = re.findall(r"^```(?:python|text)\n(.*?)^```", part, re.MULTILINE | re.DOTALL)[:2]
    return code, output


def test_the_example_prints_what_the_readme_says() -> None:
    code, output = example("## An example")
    assert len(code.splitlines()) <= 15
    assert printed_by(code).splitlines() == output.splitlines()


def test_the_example_can_fail() -> None:
    code, output = example("## An example")
    other = code.replace("5 * gradient", "7 * gradient")
    assert other != code
    assert printed_by(other).splitlines() != output.splitlines()


def test_the_diagnosis_is_printed_in_full() -> None:
    code, output = example("## A diagnosis in full")

    def without_noise(text: str) -> list[str]:
        """Words and shapes; how many σ, and how they are set in columns, hangs on the last bit of the machine."""
        return [" ".join(re.sub(NUMBER, "#", line).replace("─", "").split()) for line in text.splitlines()]

    assert without_noise(printed_by(code)) == without_noise(output)


def test_all_python_of_the_readme_runs_and_prints_what_its_comments_say() -> None:
    parts = [
        block + "test_my_backpropagation()\n" * ("def test_my_backpropagation" in block) for block in blocks("python")
    ]
    code = "\n".join(parts)
    expected = re.findall(r"^print\(.*\)  # (.+)$", code, re.MULTILINE)
    assert "test_my_backpropagation()\n" in code
    assert expected
    printed = printed_by(code).splitlines()
    assert [text for text in expected if text not in printed] == []


@pytest.mark.parametrize("line", re.findall(r"^\.venv/bin/gradient-diff (\w+)", README, re.MULTILINE))
def test_each_command_exists(line: str) -> None:
    from experiments.cli import app

    assert CliRunner().invoke(app, [line, "--help"]).exit_code == 0


def test_each_link_leads_somewhere() -> None:
    links = re.findall(r"\]\((?!http)([^)#]+)", README)
    assert links
    assert [link for link in links if not (Path(__file__).parents[1] / link).exists()] == []
