"""README.md and README.ko.md; tests/docs/test_pages.py runs their code and commands, and follows their links."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tools.fences import blocks

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
KOREAN = (ROOT / "README.ko.md").read_text(encoding="utf-8")
REPORT = (ROOT / "docs" / "explanation" / "report.md").read_text(encoding="utf-8")
LINE = (ROOT / "docs" / "howto" / "which-line.md").read_text(encoding="utf-8")
NUMBER = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"


def printed_by(code: str) -> str:
    command, wide = [sys.executable, "-W", "error", "-c", code], {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=wide)
    assert done.returncode == 0, done.stderr
    return done.stdout


def example(page: str, first_line: str) -> tuple[str, str]:
    """The code below a heading, and what the page says it prints."""
    part = page[page.index(first_line) :]
    code, output = re.findall(r"^```(?:python|text)\n(.*?)^```", part, re.MULTILINE | re.DOTALL)[:2]
    return code, output


def test_the_example_prints_what_the_readme_says() -> None:
    code, output = example(README, "# gradient-diff")
    assert len(code.splitlines()) <= 15
    assert printed_by(code).splitlines() == output.splitlines()


@pytest.mark.slow
def test_the_example_can_fail() -> None:
    code, output = example(README, "# gradient-diff")
    other = code.replace("d2 = 2 *", "d2 =")
    assert other != code
    assert printed_by(other).splitlines() != output.splitlines()


def test_the_diagnosis_is_printed_in_full() -> None:
    code, output = example(REPORT, "## A diagnosis in full")

    def without_noise(text: str) -> list[str]:
        """Words and shapes; how many σ, and how they are set in columns, hangs on the last bit of the machine."""
        return [" ".join(re.sub(NUMBER, "#", line).replace("─", "").split()) for line in text.splitlines()]

    assert without_noise(printed_by(code)) == without_noise(output)


def test_the_line_is_said_as_the_readme_shows_it(tmp_path: Path) -> None:
    commands, said = re.findall(r"^```(?:sh|text)\n(.*?)^```", LINE, re.MULTILINE | re.DOTALL)[:2]
    root = ROOT
    wide = {**os.environ, "COLUMNS": "103", "PYTHONPATH": str(root), "PYTHONIOENCODING": "utf-8"}
    for line in commands.splitlines():
        arguments = shlex.split(line.partition("  #")[0].replace("experiments/", f"{root.as_posix()}/experiments/"))[1:]
        command = [sys.executable, "-m", "gradient_diff", *arguments]
        done = subprocess.run(command, capture_output=True, encoding="utf-8", check=False, env=wide, cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    printed = [row.rstrip() for row in done.stdout.splitlines()]
    begin = printed.index("Where it is wrong")
    assert printed[begin : begin + len(said.splitlines())] == said.splitlines()


SVG, COLUMN = "{http://www.w3.org/2000/svg}", 12.2  # of a cell of rich's drawing


def text_of(picture: str) -> list[str]:
    """The lines of a terminal that was drawn by rich; a text per style, each at its place, and none for spaces."""
    rows: dict[float, str] = {}
    for text in ET.fromstring(picture).iter(f"{SVG}text"):  # our own
        if "clip-path" in text.attrib:
            y, column = float(text.get("y", "")), round(float(text.get("x", "")) / COLUMN)
            rows[y] = rows.get(y, "").ljust(column) + (text.text or "").replace("\xa0", " ").rstrip("\n")
    return [rows[y].rstrip() for y in sorted(rows)]


def test_the_picture_of_the_line_says_what_the_command_says() -> None:
    """The how-to's block, that is, which the test above holds against the command."""
    picture = (ROOT / "docs" / "images" / "line.svg").read_text("utf-8")
    said = next(block.text.splitlines() for block in blocks(LINE) if block.language == "text")
    assert text_of(picture) == said
    assert text_of(picture.replace("old_weights[i", "old_weights[j")) != said


def test_no_picture_asks_the_network_and_all_are_small() -> None:
    pictures = sorted((ROOT / "docs" / "images").iterdir())
    assert {path.name for path in pictures} == {"line.svg", "page.png", "sigma.svg"}
    assert [path.name for path in pictures if path.stat().st_size > 100_000] == []
    drawn = [path.read_text("utf-8") for path in pictures if path.suffix == ".svg"]
    assert [re.findall(r"url\(\s*[\"']?http|<image|href=\"http", text) for text in drawn] == [[], []]


def code_of(text: str) -> list[str]:
    return [block.text for block in blocks(text)]


def test_the_korean_readme_shows_code_and_output_of_the_english_one() -> None:
    """Which are tested elsewhere, to the last block."""
    assert code_of(KOREAN) == code_of(README)


def test_both_tell_of_the_same_statuses() -> None:
    cells = r"^\| (`[A-Z_`, ]+`) \|"
    assert re.findall(cells, KOREAN, re.MULTILINE) == re.findall(cells, README, re.MULTILINE)
    assert len(re.findall(cells, KOREAN, re.MULTILINE)) == 8
