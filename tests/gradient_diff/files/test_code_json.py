import json
from typing import Any

import pytest

from gradient_diff import Code, Finding
from gradient_diff.files.code_json import code_from_json, code_to_json
from gradient_diff.result.code import Caller

FINDING = Finding(
    "C:\\users\\ann\\net.py",
    33,
    (33, 34, 9, 21),
    "Net.gradients",
    (Caller("/users/ann/train.py", 12, "train", "net.gradients(x, y)"),),
    "(z2 - y)",
    "dense_2/dE_du",
    (("z2", "the output of dense_2"), ("y", "y_true")),
    "this should be δ of dense_2",
    ("dense_2/kernel", "dense_2/bias"),
    "--- net.py\n+++ net.py\n",
    "this and a second problem",
)
CODE = Code((FINDING,), {33: "δ of dense_2", 9: "x"}, {9: "def f(x):", 33: "\td = (z2 -"}, "/users/ann/net.py", "")


def written(code: Code = CODE) -> Any:
    """As another process reads it."""
    return json.loads(json.dumps(code_to_json(code), allow_nan=False))


def test_what_is_read_is_what_was_written_but_for_folders() -> None:
    back = code_from_json(written())
    assert code_from_json(written(back)) == back
    assert back.findings[0].message == FINDING.message
    assert (back.file, back.findings[0].file, back.findings[0].callers[0].file) == ("net.py", "net.py", "train.py")
    whole = back.findings[0].__dict__ | {"file": FINDING.file, "callers": FINDING.callers}
    assert whole == FINDING.__dict__
    assert (back.listing, back.lines) == (CODE.listing, CODE.lines)
    assert list(back.listing) == [9, 33]


def test_no_folder_is_written() -> None:
    assert "users" not in json.dumps(written())


def test_silence_and_nothing_survive() -> None:
    for code in (Code(), Code(silent="no Python source is known of it")):
        assert code_from_json(written(code)) == code


@pytest.mark.parametrize(
    ("place", "value", "told"),
    [
        (("findings",), {}, r"code\.findings: expected a list, found \{\}"),
        (("findings", 0), "x", r"code\.findings\[0\]: expected an object with fields, found 'x'"),
        (
            ("findings", 0, "line"),
            True,
            r"code\.findings\[0\]\.line: expected a whole number of at least 1, found True",
        ),
        (("findings", 0, "line"), 0, "at least 1, found 0"),
        (("findings", 0, "fix"), None, r"code\.findings\[0\]\.fix: expected a text, found None"),
        (("findings", 0, "span"), [3, 3, 1], r"\.span: expected \[line, last line, first column"),
        (("findings", 0, "span"), [3, 2, 1, 9], r"\.span: expected an end that is not before its beginning"),
        (("findings", 0, "span"), [3, 3, 9, 1], r"\.span: expected an end that is not before its beginning"),
        (("findings", 0, "operands", 1), ["z", 2], r"\.operands\[1\]: expected \[expression, what it is\]"),
        (("findings", 0, "healed", 0), 4, r"\.healed\[0\]: expected a text, found 4"),
        (("findings", 0, "callers", 0, "line"), "12", r"\.callers\[0\]\.line: expected a whole number"),
        (("lines", "9"), [], r"code\.lines\[9\]: expected a text"),
        (("lines", "nine"), "", r"code\.lines: expected line numbers as keys, found 'nine'"),
        (("listing", "9" * 5000), "", r"code\.listing: expected line numbers as keys, found '9+\.\.\."),
        (("silent",), "\x1b[31m", None),
    ],
)
def test_what_was_changed_is_told_by_its_place(place: tuple[Any, ...], value: Any, told: str | None) -> None:
    data = inner = written()
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    if told is None:
        assert code_from_json(data).silent == value  # texts are for eyes: writers make them harmless
        return
    with pytest.raises(ValueError, match=rf"{told}.*Save the comparison again\.$"):
        code_from_json(data)


def test_a_long_or_hostile_value_is_not_printed_as_it_is() -> None:
    with pytest.raises(ValueError, match=r"found .{57}\.\.\.\. Save") as raised:
        code_from_json(["\x1b" * 1000])
    assert "\x1b" not in str(raised.value)
