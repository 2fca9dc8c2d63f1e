"""What stands in a Markdown page: its fenced blocks, its tables, its links."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest


@dataclass(frozen=True)
class Block:
    """A fenced block; one with `title="net.py"` is that file."""

    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    """All of them, in order."""
    found = re.findall(r"^```(\w+)(?: title=\"([^\"]+)\")?\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    return [Block(*parts) for parts in found]


@dataclass(frozen=True)
class Command:
    """A line of a shell block, and the exit code that its comment says."""

    line: str
    code: int
    said: tuple[str, ...]  # lines of a text block right below, where this is the last of its block


def commands(page: str, language: str = "sh") -> Iterator[Command]:
    """Those of every block in this language."""
    found = blocks(page)
    for block, below in zip_longest(found, found[1:]):
        lines = block.text.splitlines() if block.language == language else []
        said = tuple(below.text.splitlines()) if below and below.language == "text" else ()
        for line in lines:
            text, _, comment = line.partition("  #")
            code = re.search(r"exit code (\d+)", comment)
            yield Command(text.strip(), int(code[1]) if code else 0, said if line == lines[-1] else ())


def cells_of(line: str) -> list[str]:
    r"""Of one row of a table; a bar in a cell is written \|."""
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def rows_below(page: str, header: str) -> list[list[str]]:
    """The rows of the table whose header begins so."""
    lines = page[page.index(header) :].split("\n\n")[0].splitlines()[2:]
    return [cells_of(line) for line in lines]


def links(page: str) -> list[str]:
    """Where the page's relative links and pictures lead, without what follows a #."""
    return re.findall(r"\]\((?!http|#)([^)#]+)", page)
