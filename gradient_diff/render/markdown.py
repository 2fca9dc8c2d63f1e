"""Markdown's own characters, tables and titles."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gradient_diff.wording import printable


def escape(text: str) -> str:
    r"""Markdown's and HTML's own characters escaped; an underscore inside a word means nothing and stays.

    Args:
        text: any.

    Returns:
        The text.

    Example:
        >>> escape("a|b <i> dense_1 _x_")
        'a\\|b &lt;i&gt; dense_1 \\_x\\_'
    """
    text = re.sub(r"([\\`*\[\]|~$])|(?<!\w)_|_(?!\w)", lambda found: "\\" + found[0], printable(text))
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def table(titles: Sequence[str], numeric: Sequence[bool], rows: Iterable[Sequence[str]]) -> list[str]:
    """A GitHub table, line by line.

    Args:
        titles: of the columns.
        numeric: which of them are aligned to the right.
        rows: cells, not yet escaped.

    Returns:
        The lines.

    Example:
        >>> table(["a"], [True], [["1"]])
        ['| a |', '| ---: |', '| 1 |']
    """
    rule = ["---:" if n else "---" for n in numeric]
    escaped = [[escape(cell) for cell in cells] for cells in (titles, *rows)]
    return [f"| {' | '.join(cells)} |" for cells in (escaped[0], rule, *escaped[1:])]


def titled(title: str, lines: Sequence[str]) -> list[str]:
    """Lines below a heading; nothing where there are none.

    Args:
        title: of the heading.
        lines: below it.

    Returns:
        The lines.

    Example:
        >>> titled("Rows", ["| a |"]), titled("Rows", [])
        (['', '### Rows', '', '| a |'], [])
    """
    return ["", f"### {title}", "", *lines] if lines else []
