"""What is printed of one file and of several, in every form."""

from __future__ import annotations

import json

import pytest

from gradient_diff import Entry
from gradient_diff.cli.marking import Marked
from gradient_diff.cli.output import print_marked
from gradient_diff.render.summary import SummaryLine, unreadable

RIGHT, BAD = Marked(SummaryLine("a.npz", "MATCH")), Marked(unreadable("b\x1b[31m.npz", "it is empty"))


def test_an_unreadable_file_alone_is_a_summary(capsys: pytest.CaptureFixture[str]) -> None:
    for form in ("text", "csv", "markdown"):
        print_marked([BAD], form, "r.npz", 2)  # type: ignore[arg-type]  # each is one of them
        text = capsys.readouterr().out
        assert "UNREADABLE" in text
        assert "\x1b" not in text
        assert text.endswith("\n")


def test_a_name_in_a_pipe_is_never_broken(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    name = "submissions/the-second-of-two/anna.x.npz"
    line = SummaryLine(name, "MISMATCH", "dense_1/dE_dkernel", "f′(u) is not applied, in dense_1 (missing_derivative)")
    monkeypatch.delenv("COLUMNS", raising=False)
    print_marked([Marked(line), RIGHT], "text", "r.npz", 1)
    first = capsys.readouterr().out.splitlines()[2]
    assert first.split() == f"{name} ✗ MISMATCH {line.culprit} {line.cause}".split()
    monkeypatch.setenv("COLUMNS", "80")
    print_marked([Marked(line), RIGHT], "text", "r.npz", 1)
    text = capsys.readouterr().out
    assert name in text
    assert max(map(len, text.splitlines())) <= 80


def test_json_is_strict_and_complete(capsys: pytest.CaptureFixture[str]) -> None:
    print_marked([RIGHT, BAD], "json", "r\n.npz", 2)
    data = json.loads(capsys.readouterr().out)
    assert (data["reference"], data["exit_code"]) == (r"r\n.npz", 2)
    assert [(one["file"], one["verdict"]) for one in data["files"]] == [
        ("a.npz", "MATCH"),
        (r"b\x1b[31m.npz", "UNREADABLE"),
    ]
    assert data["files"][1]["message"] == "it is empty"
    assert [one["line"] for one in data["files"]] == [None, None]
    print_marked([Marked(SummaryLine("c.py", "MISMATCH", line="net.py:33")), BAD], "json", "r.npz", 1)
    assert json.loads(capsys.readouterr().out)["files"][0]["line"] == "net.py:33"


def test_the_worst_entries_stand_below_the_file_they_are_of(capsys: pytest.CaptureFixture[str]) -> None:
    worst = Marked(SummaryLine("c.npz", "DIFFERENT"), entries={"w": [Entry((2,), 3.0, 5.0)]})
    print_marked([RIGHT, worst], "markdown", "r.npz", 1)
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1] == r"| w | \[2\] | 3 | 5 | 2.0e+00 |"
    assert any(line.startswith("| c.npz |") for line in lines[lines.index("") :])
    print_marked([RIGHT, worst], "text", "r.npz", 1)
    assert "Worst entries of c.npz" in capsys.readouterr().out
