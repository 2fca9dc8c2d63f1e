"""The plugin, by running pytest inside pytest."""

from __future__ import annotations

import json
import re
import string
import subprocess
import sys
import warnings
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_diff.pytest_plugin import folder_name
from gradient_diff.render import folder

pytest_plugins = ["pytester"]

FAILING = """
import numpy as np, pytest
from gradient_diff import assert_gradients_match as match

def off(): match({"w": np.ones((2, 2))}, {"w": np.zeros((2, 2))}, rtol=1e-6)
"""
OPTION = "--gradient-diff-reports=reports"


@pytest.fixture
def no_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing takes seconds, and is tested elsewhere."""
    monkeypatch.setattr(folder, "save_figures", lambda *_: {})


def folders(pytester: pytest.Pytester) -> list[str]:
    return sorted(path.name for path in (pytester.path / "reports").glob("*"))


def run(pytester: pytest.Pytester, tests: str, *options: str) -> pytest.RunResult:
    pytester.makepyfile(test_it=FAILING + tests)
    return pytester.runpytest(*options)


def test_pytest_finds_it() -> None:
    (found,) = entry_points(group="pytest11", name="gradient_diff")
    assert found.value == "gradient_diff.pytest_plugin"


def test_a_failing_test_leaves_its_report_and_the_summary_says_where(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_a(): off()\ndef test_b(): pass\ndef test_c(): assert False", OPTION)
    result.assert_outcomes(passed=1, failed=2)
    (name,) = folders(pytester)
    assert name == folder_name("test_it.py::test_a")
    page = pytester.path / "reports" / name / "report.html"
    assert "test_it.py::test_a" in page.read_text("utf-8")
    result.stdout.fnmatch_lines(["*gradient-diff reports*", f"test_it.py::test_a: {page}"])
    assert "DIFFERENT: more than rounding explains" in result.stdout.str()


def test_without_the_option_nothing_is_written(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_a(): off()")
    result.assert_outcomes(failed=1)
    result.stdout.no_fnmatch_line("*gradient-diff reports*")
    assert [p.name for p in pytester.path.iterdir() if p.suffix != ".py" and "cache" not in p.name] == []


def test_when_all_is_well_no_folder_appears(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_a(): match({'w': np.ones(2)}, {'w': np.ones(2)})", OPTION)
    result.assert_outcomes(passed=1)
    assert folders(pytester) == []


@pytest.mark.usefixtures("no_figures")
def test_failures_that_are_expected_leave_none(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.mark.xfail(strict=True)
def test_a(): off()
def test_b():
    with pytest.raises(AssertionError): off()
"""
    result = run(pytester, tests, OPTION)
    result.assert_outcomes(passed=1, xfailed=1)
    assert folders(pytester) == []


@pytest.mark.usefixtures("no_figures")
def test_unusual_ids_have_folders_of_their_own(pytester: pytest.Pytester) -> None:
    tests = """
@pytest.mark.parametrize("case", ["a/b", "a:b", "A/B", "../..", "ü", "x" * 3000, "x" * 3001, "con", "<&>", "$x^2$"])
def test_a(case): off()
"""
    result = run(pytester, tests, OPTION)
    result.assert_outcomes(failed=10)
    names = folders(pytester)
    assert len({name.lower() for name in names}) == 10
    assert all(re.fullmatch(r"test_it\.py-test_a[A-Za-z0-9._-]*", name) and len(name) <= 120 for name in names)
    assert all((pytester.path / "reports" / name / "report.html").is_file() for name in names)
    assert sorted(path.name for path in pytester.path.parent.glob("reports*")) == []  # ../.. led nowhere


@pytest.mark.usefixtures("no_figures")
def test_several_failures_in_one_test(pytester: pytest.Pytester) -> None:
    """One in the test and one in its teardown, a group of two, and one that another error hides."""
    tests = """
@pytest.fixture
def late():
    yield
    off()
def test_late(late): off()
def test_group():
    errors = []
    for _ in range(2):
        try: off()
        except AssertionError as error: errors.append(error)
    raise ExceptionGroup("both", errors)
def test_hidden():
    try: off()
    except AssertionError as error: raise RuntimeError("hidden") from error
"""
    result = run(pytester, tests, OPTION)
    late, group, hidden = (folder_name(f"test_it.py::test_{name}") for name in ("late", "group", "hidden"))
    assert folders(pytester) == sorted([late, f"{late}-2", group, f"{group}-2", hidden])
    result.stdout.fnmatch_lines([f"test_it.py::test_late: *{late}-2*report.html"])


@pytest.mark.usefixtures("no_figures")
def test_a_second_run_replaces_the_reports_of_the_first(pytester: pytest.Pytester) -> None:
    run(pytester, "def test_a(): off()", OPTION)
    before = folders(pytester)
    run(pytester, "def test_a(): off()", OPTION)
    assert folders(pytester) == before


@pytest.mark.usefixtures("no_figures")
def test_a_report_that_cannot_be_written_says_why_and_the_other_tests_go_on(pytester: pytest.Pytester) -> None:
    (pytester.path / "reports").write_text("a file")
    result = run(pytester, "def test_a(): off()\ndef test_b(): pass", OPTION)
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["test_it.py::test_a: no report could be written: *is a file*"])


def test_nothing_is_left_half_written(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    """Drawing fails in the middle of the report."""

    def broken(*_: object) -> None:
        raise OSError("no figures today")

    monkeypatch.setattr(folder, "save_figures", broken)
    result = run(pytester, "def test_a(): off()", OPTION)
    result.stdout.fnmatch_lines(["test_it.py::test_a: no report could be written: no figures today"])
    assert folders(pytester) == []


def test_a_warning_while_drawing_keeps_no_report_back(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    def warned(*_: object) -> dict[str, Path]:
        warnings.warn("a glyph is missing", stacklevel=1)
        return {}

    monkeypatch.setattr(folder, "save_figures", warned)
    result = run(pytester, "def test_a(): off()", OPTION, "-W", "error")
    assert len(folders(pytester)) == 1
    assert "no report could be written" not in result.stdout.str()


def test_it_works_where_warnings_are_errors_and_modules_have_no_package(pytester: pytest.Pytester) -> None:
    tests = (
        "def test_a(): match({'層': np.eye(2)}, {'層': np.zeros((2, 2))}, rtol=1)"  # which the figures' font has not
    )
    pytester.makepyfile(test_it=FAILING + tests)
    options = ("-W", "error", "--import-mode=importlib", "--doctest-modules", OPTION)
    result = pytester.runpytest_subprocess(*options)
    result.assert_outcomes(failed=1)
    assert len(folders(pytester)) == 1
    assert "no report could be written" not in result.stdout.str()


def test_the_paths_travel_with_the_test_report(pytestconfig: pytest.Config) -> None:
    """As pytest-xdist sends it from a worker to the process that writes the summary."""
    report = pytest.TestReport("t", ("t", 0, "t"), {}, "failed", None, "call")
    report.gradient_diff_reports = ["t: report.html"]  # type: ignore[attr-defined]  # what the plugin sets
    data = pytestconfig.hook.pytest_report_to_serializable(config=pytestconfig, report=report)
    back = pytestconfig.hook.pytest_report_from_serializable(config=pytestconfig, data=json.loads(json.dumps(data)))
    assert back.gradient_diff_reports == ["t: report.html"]


def test_loading_it_loads_nothing_that_draws() -> None:
    code = (
        "import sys, gradient_diff.pytest_plugin; "
        "print(*[m for m in ('pandas', 'matplotlib', 'rich', 'jinja2', 'tensorflow', 'keras') if m in sys.modules])"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split() == []


@given(st.text())
def test_folder_names_are_safe(test: str) -> None:
    name = folder_name(test)
    assert set(name) <= set(string.ascii_letters + string.digits + "._-")
    assert 8 <= len(name) <= 120
    assert name[0] not in ".-"
    assert Path(name).name == name


def test_folder_names_tell_tests_apart() -> None:
    tests = ["a::b[x/y]", "a::b[x:y]", "a::B[x/y]", "a/b[x/y]", "a::b[" + "x" * 500, "a::b[" + "x" * 501, "", "\udcff"]
    assert len({folder_name(test).lower() for test in tests}) == len(tests)
    assert max(map(len, map(folder_name, tests))) == 109


LAYERED = """
import numpy as np
from gradient_diff import assert_gradients_match
from manual_mlp import MLP, Dense

mlp = MLP(7, [Dense(5, "tanh"), Dense(5, "tanh"), Dense(3)])
rng = np.random.default_rng(0)
right = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(11, 7)), rng.normal(size=(11, 3)), "mse")

def by_hand(parameters, x, y):
    W1, b1, W2, b2, W3, b3 = parameters.values()
    z1 = np.tanh(x @ W1 + b1)
    z2 = np.tanh(z1 @ W2 + b2)
    d3 = 2 * (z2 @ W3 + b3 - y) / y.size
    d2 = d3 @ W3.T * (1 - z2**2)
    d1 = d2 @ W2.T * z1
    return [x.T @ d1, d1.sum(0), z1.T @ d2, d2.sum(0), z2.T @ d3, d3.sum(0)]

def test_a(): assert_gradients_match(by_hand, right)
"""


def failure(result: pytest.RunResult) -> list[str]:
    """What pytest shows of the exception."""
    return [line.removeprefix("E   ") for line in result.outlines if line.startswith("E   ")]


def test_a_failure_begins_with_its_cause_and_its_line_and_vv_shows_all(
    pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    pytester.makepyfile(test_it=LAYERED)
    short = pytester.runpytest()
    first = "MISMATCH: f′ is not tanh′ = 1 − z², in dense_1, at test_it.py:15 (2 of 6 rows)"
    assert failure(short)[0].startswith(f"gradient_diff.testing.GradientMismatch: {first}")
    assert failure(short)[-1] == "With -vv pytest shows each array and every cause."
    assert len(failure(short)) <= 16
    assert "  A fix was found and run: -vv shows it." in failure(short)
    assert not any("fix (run" in line for line in failure(short))  # a title without its diff says nothing
    assert any(line.startswith(f"FAILED test_it.py::test_a - {first[:60]}") for line in short.outlines)
    full = failure(pytester.runpytest("-vv"))
    assert full[0] == failure(short)[0]
    assert any(line.startswith("MISMATCH  dense_1/dE_dkernel") for line in full)
    assert not any(line.startswith("With -vv") for line in full)
    assert any(line.strip().startswith("fix (run") for line in full)


def test_of_arrays_alone_the_cause_is_said_without_a_line(pytester: pytest.Pytester) -> None:
    tests = LAYERED.replace("by_hand, right)", "{n: -g for n, g in right.gradients.items()}, right)")
    pytester.makepyfile(test_it=tests)
    said = failure(pytester.runpytest())
    assert "MISMATCH: the sign is turned round" in said[0]
    assert "  off: dense_3/dE_dkernel, dense_3/dE_dbias, dense_2/dE_dkernel, dense_2/dE_dbias and 2 more" in said


@pytest.mark.usefixtures("no_figures")
def test_the_report_is_a_property_of_the_test(pytester: pytest.Pytester) -> None:
    run(pytester, "def test_a(): off()\ndef test_b(): pass", OPTION, "--junitxml=junit.xml")
    (name,) = folders(pytester)
    page = pytester.path / "reports" / name / "report.html"
    text = (pytester.path / "junit.xml").read_text("utf-8")
    assert f'<property name="gradient_diff_report" value="{page}"' in text
    assert text.count("<property ") == 1


def test_failures_of_others_are_left_as_they_are(pytester: pytest.Pytester) -> None:
    result = run(pytester, "def test_a(): assert [1] == [2], 'GradientMismatch'")
    assert failure(result)[0].startswith("AssertionError: GradientMismatch")
