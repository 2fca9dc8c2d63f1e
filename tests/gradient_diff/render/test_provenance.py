"""How a report was made: nothing of it is in tables or JSON, and the date can be fixed."""

import json
import re
import sys
from pathlib import Path

import pytest

from gradient_diff import GradientDiff, write_report
from gradient_diff.render.provenance import command, date, provenance


def test_what_is_known_is_told_and_what_is_not_is_said_so(match: GradientDiff, mixed: GradientDiff) -> None:
    facts = provenance(match, {"seed": 3})
    told = {name: facts[name] for name in ("network", "loss", "dtype", "batch", "mode", "seed")}
    assert told == {
        "network": "3-5-2",
        "loss": "mean_squared_error",
        "dtype": "float64",
        "batch": 7,
        "mode": "training",
        "seed": 3,
    }
    assert {"python", "numpy", "gradient-diff"} <= facts["versions"].keys()
    assert provenance(mixed)["seed"] == "not told"


def test_the_date_is_now_or_what_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    assert date() == "2023-11-14T22:13:20Z"
    for odd in ("", "yesterday", "-1"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", odd)
        assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", date())


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        (["/usr/bin/gradient-diff", "check", "/users/a/net.py:f", "--out=b/c"], "gradient-diff check net.py:f --out=c"),
        (["/x/gradient_diff/__main__.py", "compare", "a b.npz"], "python -m gradient_diff compare 'a b.npz'"),
        (["/x/ipykernel_launcher.py", "-f", "/y/kernel.json"], "in a notebook"),
        (["C:\\x\\pytest.exe", "tests\\test_a.py::test_b"], "pytest.exe test_a.py::test_b"),
        (["/a/x.py", "\x1b[31m"], "x.py '\\x1b[31m'"),
        ([""], "python"),
    ],
)
def test_a_command_names_no_folder(typed: list[str], told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", typed)
    assert command() == told


def test_date_and_command_stand_in_the_manifest_and_at_the_foot_alone(
    mixed: GradientDiff, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
    monkeypatch.setattr(sys, "argv", ["/somewhere/study_tool", "--now"])
    folder = write_report(mixed, tmp_path / "report", "My title").parent
    holding = [p.name for p in folder.rglob("*") if p.is_file() and b"2023-11-14" in p.read_bytes()]
    assert sorted(holding) == ["manifest.json", "report.html"]
    assert [p.name for p in folder.rglob("*") if p.is_file() and str(tmp_path).encode() in p.read_bytes()] == []
    page = (folder / "report.html").read_text("utf-8")
    assert page.index("<footer>") < page.index("study_tool --now")
    assert json.loads((folder / "manifest.json").read_text("utf-8"))["title"] == "My title"
