"""Names that people give, as parts of files, folders and links; numbers as marks beside a letter; nodes in words."""

from __future__ import annotations

import re
import unicodedata

from manual_mlp.extend import INPUT_GRADIENT, LOSS

_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_LOWERED = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_LETTERS = {"kernel": "W", "bias": "b", "gamma": "γ", "scale": "γ", "beta": "β"}
_SYMBOLS = {"dE_du": "δ", "dE_dz": "dE/dz", **_LETTERS, **{f"dE_d{kind}": f"dE/d{c}" for kind, c in _LETTERS.items()}}
_WITH_MORE = ("kernel", "bias", "dE_d", "z with", "x with")  # such as "kernel after the step"


def plain_name(text: str, keep: str = "", gap: str = "_") -> str:
    """ASCII letters and digits, and what is in `keep`; each run of anything else becomes one `gap`.

    Args:
        text: any.
        keep: characters that stay, too.
        gap: what stands for the others.

    Returns:
        The name; it may begin or end with a gap, or be empty.

    Example:
        >>> plain_name("dense_1/kernel (ü)", "_"), plain_name("../../x", keep=".", gap="-")
        ('dense_1_kernel_', '..-..-x')
    """
    return re.sub(rf"[^A-Za-z0-9{re.escape(keep)}]+", gap, text)


def readable_name(text: str, keep: str = "", gap: str = "_") -> str:
    """Letters and digits of any script, `_`, and what is in `keep`; each other character becomes a `gap`."""
    return re.sub(rf"[^\w{re.escape(keep)}]", gap, unicodedata.normalize("NFC", text))


def raised(number: int) -> str:
    """`⁻¹²`."""
    return str(number).translate(_RAISED)


def lowered(number: int) -> str:
    """`₁₂`."""
    return str(number).translate(_LOWERED)


def node_words(node: str) -> str:
    """A node, or what stands between nodes, as a sentence says it: "δ of dense_1", "W of dense_2 after the step"."""
    if node in (LOSS, INPUT_GRADIENT):
        return {LOSS: "E", INPUT_GRADIENT: "dE/dx"}[node]
    if "/" not in node:
        return node
    layer, _, kind = node.partition("/")
    kind, _, more = kind.partition(" ") if kind.startswith(_WITH_MORE) else (kind, "", "")
    return f"{_SYMBOLS.get(kind, kind)} of {layer}{' ' + more if more else ''}"
