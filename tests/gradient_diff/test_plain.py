"""Signs where an output knows few: each has a plain form that is ASCII."""

from __future__ import annotations

import io
import re
import sys
from pathlib import Path

import pytest

import gradient_diff
from gradient_diff.plain import ERRORS, plain, writable

NAMES = "é", "ü"  # of people


@pytest.mark.parametrize(
    ("sign", "ascii_"), [("✓", "+"), ("δ", "delta"), ("Σ", "Sigma"), ("²", "^2"), ("½", "1/2"), ("é", "e"), ("ᵀ", "^T")]
)
def test_a_sign_is_written_as_one_would_say_it(sign: str, ascii_: str) -> None:
    assert plain(sign) == ascii_


def test_what_is_no_sign_of_ours_is_spelled_out() -> None:
    assert plain("한") == "\\ud55c"


def test_every_sign_of_the_source_has_a_plain_form() -> None:
    root = Path(gradient_diff.__file__).parent
    source = "".join(p.read_text("utf-8") for p in root.rglob("*.py"))
    signs = set(re.findall(r"[^\x00-\x7f가-힣]", source))  # whoever asks for Korean has a terminal that writes it
    assert len(signs) > 40
    assert [s for s in sorted(signs) if "\\" in plain(s)] == []


def test_only_what_cannot_be_written_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    for encoding, text in (("ascii", "sigma +"), ("utf-8", "σ ✓"), ("cp949", "σ +")):
        monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding))
        assert writable("σ ✓") == text


def test_only_encoding_can_be_helped() -> None:
    with pytest.raises(UnicodeDecodeError):
        b"\xff".decode("ascii", ERRORS)
