"""What README and docs/ show as code runs, and says what they say that it says."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tools.fences import Command, blocks, commands, links

ROOT = Path(__file__).parents[2]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text("utf-8") for path in sorted((ROOT / "docs").rglob("*.md"))}
PAGES |= {name: (ROOT / name).read_text("utf-8") for name in ("README.md", "README.ko.md", "CONTRIBUTING.md")}
SHELL = sorted(name for name, page in PAGES.items() if [*commands(page)])
ELSEWHERE = ("pip install ", "make ")
"""Beginnings of what sets up the environment in which the tests run; tests of tools/setup.sh and of make hold these."""


def python_of(page: str) -> str:
    """The code between the words, in one piece; the test that it shows is called."""
    parts = [block.text for block in blocks(page) if block.language == "python" and not block.title]
    tests = [
        block.text + "\ntest_my_backpropagation()\n" for block in blocks(page) if block.title == "test_gradients.py"
    ]
    return "\n".join([*parts, *tests]).strip()


def expected_of(code: str) -> list[str]:
    """What the comments behind calls of print say."""
    return re.findall(r"^(?:print\(.*)?\)  # (.+)$", code, re.MULTILINE)


def printed_by(codes: dict[str, str], folder: Path) -> dict[str, list[str]]:
    """Page → lines. One process runs all, each in a file and a namespace of its own: TensorFlow is loaded once."""
    files = {name: folder / f"page_{place}.py" for place, name in enumerate(codes)}
    for name, file in files.items():
        file.write_text(codes[name], encoding="utf-8")
    named = {name: str(file) for name, file in files.items()}
    program = f"import runpy\nfor name, file in {named!r}.items():\n    print('page', name)\n    runpy.run_path(file)\n"
    command, wide = [sys.executable, "-W", "error", "-c", program], {**os.environ, "COLUMNS": "100"}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=wide)
    assert done.returncode == 0, done.stderr
    parts = re.split(r"^page (.+)\n", done.stdout, flags=re.MULTILINE)[1:]
    return {name: said.splitlines() for name, said in zip(parts[::2], parts[1::2], strict=True)}


RUN = {name: code for name, page in PAGES.items() if name != "README.ko.md" and (code := python_of(page))}
"""The code of README.ko.md is README's, which test_readme.py holds."""


def unprinted(codes: dict[str, str], folder: Path) -> dict[str, list[str]]:
    """What the comments say and nobody prints, by page."""
    printed = printed_by(codes, folder)
    assert printed.keys() == codes.keys()
    missing = {name: [text for text in expected_of(code) if text not in printed[name]] for name, code in codes.items()}
    return {name: texts for name, texts in missing.items() if texts}


def test_the_python_of_the_readme_runs(tmp_path: Path) -> None:
    assert "test_my_backpropagation()" in RUN["README.md"]
    assert unprinted({"README.md": RUN["README.md"]}, tmp_path) == {}


@pytest.mark.slow
def test_all_python_of_the_pages_runs_and_prints_what_its_comments_say(tmp_path: Path) -> None:
    rest = {name: code for name, code in RUN.items() if name != "README.md"}
    assert {"docs/howto/keras-model.md", "docs/howto/test-suite.md", "docs/explanation/report.md"} <= rest.keys()
    assert sum(len(expected_of(code)) for code in rest.values()) >= 12
    assert unprinted(rest, tmp_path) == {}


def test_a_wrong_comment_would_be_seen(tmp_path: Path) -> None:
    code = "print(\n    1 + 1\n)  # 3\nprint(4)  # 4"
    assert expected_of(code) == ["3", "4"]
    assert unprinted({"p": code}, tmp_path) == {"p": ["3"]}


def called(page: str) -> set[str]:
    """The commands of ours, those of `console` blocks, too, which are shown and not run."""
    lines = [command.line for language in ("sh", "console") for command in commands(page, language)]
    return {words[1] for words in map(shlex.split, lines) if words[0].endswith("gradient-diff")}


@pytest.mark.parametrize("name", sorted(set().union(*map(called, PAGES.values()))))
def test_each_command_exists(name: str) -> None:
    from gradient_diff.cli import app

    assert CliRunner().invoke(app(), [name, "--help"]).exit_code == 0


def is_run_elsewhere(command: Command) -> bool:
    return command.line.startswith(ELSEWHERE)


@pytest.mark.slow
@pytest.mark.parametrize("name", SHELL)
def test_the_commands_of_a_page_do_what_it_says(name: str, tmp_path: Path) -> None:
    """From its first to its last in an empty folder, with the files that the page shows."""
    page = PAGES[name]
    (tmp_path / "experiments").symlink_to(ROOT / "experiments")  # as in a checkout
    for block in blocks(page):
        if block.title:
            (tmp_path / block.title).parent.mkdir(exist_ok=True)
            (tmp_path / block.title).write_text(block.text, encoding="utf-8")
    done = [command for command in commands(page) if not is_run_elsewhere(command)]
    for command in done:
        code, output = outcome(command.line, tmp_path)
        assert code == command.code, f"{command.line}\n{output}"
        assert unsaid(command.said, output) == [], output


def outcome(line: str, folder: Path) -> tuple[int, str]:
    """Of a shell line, with our own Python and commands in front."""
    words = {"gradient-diff": "-m gradient_diff", ".venv/bin/gradient-diff": "-m gradient_diff"}
    words |= {"python": "", "pytest": "-m pytest -p no:cacheprovider"}
    first, _, rest = line.partition(" ")
    if first in words:
        line = f"{shlex.quote(sys.executable)} {words[first]} {rest}"
    asked = {"COLUMNS": "103", "PYTHONIOENCODING": "utf-8", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        ["bash", "-c", line],
        cwd=folder,
        env={**os.environ, **asked},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def unsaid(wanted: tuple[str, ...], output: str) -> list[str]:
    """The lines that the output does not have, in this order."""
    rows = iter(row.rstrip() for row in output.splitlines())
    return [line for line in wanted if line not in rows]


def test_what_is_not_said_would_be_seen() -> None:
    assert unsaid(("a", "c"), "a \nb\nc") == []
    assert unsaid(("a", "d"), "a\nb\nc") == ["d"]
    assert unsaid(("c", "a"), "a\nb\nc") == ["a"]


def test_a_wrong_exit_code_would_be_seen(tmp_path: Path) -> None:
    (command,) = commands("```sh\npython -c 'raise SystemExit(3)'  # exit code 3: it says so\n```\n")
    assert command.code == 3
    assert outcome(command.line, tmp_path)[0] == 3


@pytest.mark.parametrize("name", PAGES)
def test_each_link_leads_somewhere(name: str) -> None:
    """In the checkout; the field guide and the studies' pages are made with the site, whose build holds their links."""
    made = ("guide/", "studies/")
    here = (ROOT / name).parent
    found = [to for to in links(PAGES[name]) if not to.removeprefix("../").startswith(made)]
    assert [to for to in found if not (here / to).exists()] == []
