"""Text for an output that cannot write every sign: the nearest in ASCII, so that nothing ever fails to be printed."""

from __future__ import annotations

import codecs
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

ERRORS = "gradient_diff.plain"
"""What to give as `errors=` of a stream."""

_PAIRS = """
    −- –- —- ·. ⊙(.) ⊗(x) ×x ′' ″'' …... ←<- →-> ≤<= ≥>= ≠!= ±+- ∓-+ ⟨< ⟩> ⁻- ⁺+ ⁽( ⁾) √sqrt ∂d ∞inf ℓl ✓+ ✗x █# ░. °deg
    ⋮: ‖|| ⊤T “" ”"
"""
_SIGNS = {
    **{pair[0]: pair[1:] for pair in _PAIRS.split()},
    **dict.fromkeys("─━═", "-"),
    **dict.fromkeys("│┃║", "|"),
    **dict.fromkeys("┌┐└┘├┤┬┴┼╭╮╰╯╷╵╶╴╔╗╚╝", "+"),
}


def plain(sign: str) -> str:
    """One sign in ASCII: by its looks, by its Greek letter's name, or spelled out by its number."""
    if unicodedata.combining(sign):
        return ""
    if sign in _SIGNS:
        return _SIGNS[sign]
    name = unicodedata.name(sign, "")
    if name.startswith("GREEK") and "LETTER" in name:
        letter = name.split("LETTER ")[1].split()[0]
        return letter.capitalize() if "CAPITAL" in name else letter.lower()
    raised = "^" if unicodedata.decomposition(sign).startswith("<super>") else ""
    parts = (c for c in unicodedata.normalize("NFKD", sign) if not unicodedata.combining(c))
    text = "".join("/" if c == "⁄" else _SIGNS.get(c, c) for c in parts)
    return raised + text if text.isascii() and text else sign.encode("ascii", "backslashreplace").decode()


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    signs = error.object[error.start : error.end]
    return "".join(map(plain, signs)), error.end


codecs.register_error(ERRORS, _replaced)


def as_written(text: str, encoding: str) -> str:
    """Text as an output of this encoding can write it."""
    return text if text.isascii() else text.encode(encoding, ERRORS).decode(encoding)


def writable(text: str) -> str:
    """Text as the standard output can write it."""
    return as_written(text, output_encoding())


def output_encoding() -> str:
    """That of the standard output."""
    return getattr(sys.stdout, "encoding", None) or "utf-8"


_AHEAD: ContextVar[str] = ContextVar("encoding of what is being rendered for the standard output", default="")


@contextmanager
def for_output() -> Iterator[None]:
    """What is rendered now is for the standard output: what stands below a sign has to know how wide it comes out."""
    token = _AHEAD.set(output_encoding())
    try:
        yield
    finally:
        _AHEAD.reset(token)


def encoding_ahead() -> str:
    """That of the standard output inside `for_output`; empty elsewhere."""
    return _AHEAD.get()
