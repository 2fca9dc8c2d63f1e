"""What came of tracing a user's code: the expressions that make gradients wrong, and what each line is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from gradient_diff.names import node_words

_FILE = re.compile(r"\.(npz|safetensors|h5|hdf5|py)$", re.IGNORECASE)


def bare(file: str) -> str:
    """A file without its folders, also of another system."""
    return file.replace("\\", "/").rpartition("/")[2]


def origin_name(origin: str) -> str:
    """Of a file its name without folders; who else computed a side as it is said."""
    return bare(origin) if _FILE.search(origin) else origin


@dataclass(frozen=True)
class Caller:
    """An outer frame of an expression: whoever called the function in which it stands; lines count from 1."""

    file: str
    line: int
    function: str
    text: str = ""

    @property
    def place(self) -> str:
        """`file:line`; the file without its folders."""
        return f"{bare(self.file)}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """An expression that is to blame, what it should have been, and a change that was run.

    Attributes:
        file: path of the source.
        line: where the expression begins, counted from 1.
        span: (line, last line, first column, column behind the last), columns in characters from 0.
        function: the function in which it stands, as Python qualifies its name.
        callers: outer frames, the innermost first.
        text: the expression.
        node: what it should be: a node such as `dense_1/dE_du`, or what stands between nodes, `dense_1/f′`.
        operands: (expression, what it was recognised as).
        message: what it is and what it should be, a sentence with code between backticks.
        healed: the parameters whose gradients are right with the right value in its place.
        fix: a unified diff that makes every gradient match; "" where none was proved.
        tried: what the fix was run on and what came of it, in words; "" without one.

    Example:
        >>> finding = Finding("net.py", 7, (7, 7, 9, 15), "f", (), "z2 - y", "dense_2/dE_du", (), "", ("dense_2/bias",))
        >>> finding.place, finding.what
        ('net.py:7', 'δ of dense_2')
    """

    file: str
    line: int
    span: tuple[int, int, int, int]
    function: str
    callers: tuple[Caller, ...]
    text: str
    node: str
    operands: tuple[tuple[str, str], ...]
    message: str
    healed: tuple[str, ...]
    fix: str = ""
    tried: str = ""

    @property
    def name(self) -> str:
        """The file without its folders."""
        return bare(self.file)

    @property
    def place(self) -> str:
        """`file:line`, as editors open it; the file without its folders."""
        return f"{self.name}:{self.line}"

    @property
    def what(self) -> str:
        """What it should be, in words: "δ of dense_1"."""
        return node_words(self.node)


@dataclass(frozen=True)
class Code:
    """What is known of the code that was handed over.

    Attributes:
        findings: the expressions to blame, the one that heals most first; none of right code.
        listing: line → what it is, "δ of dense_2 = dz2": of every line that was recognised.
        lines: line → its text, of the functions that ran.
        file: path of the source that `listing` and `lines` are of.
        silent: why nothing is said, where something is wrong and nothing is found: a sentence.

    Example:
        >>> Code(silent="no Python source is known of it").findings
        ()
    """

    findings: tuple[Finding, ...] = ()
    listing: Mapping[int, str] = field(default_factory=dict)
    lines: Mapping[int, str] = field(default_factory=dict)
    file: str = ""
    silent: str = ""
