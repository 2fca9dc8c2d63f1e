"""A pytest plugin: a test that fails in `assert_gradients_match` says in few lines what is wrong, and with `-vv` all.

With `--gradient-diff-reports DIR` it leaves its report, whose path is a property of the test, as JUnit's XML has it.

pytest loads it in every run, so that beside its own package, which is light, it imports nothing; what draws is imported
when a test fails.
"""

from __future__ import annotations

import hashlib
import sys
import warnings
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from gradient_diff.testing import GradientMismatch

_OPTION = "--gradient-diff-reports"
_ALL = 2  # as -vv is counted
_PROPERTY = "gradient_diff_report"
_NAME = "gradient_diff.testing.GradientMismatch: "
_LONGEST = 100  # of a folder's name, which many file systems limit to 255 bytes, some to fewer
_WRITTEN = "gradient_diff_reports"  # attribute of a test report: what was written, for the summary


def pytest_addoption(parser: pytest.Parser) -> None:
    """The option."""
    parser.getgroup("gradient-diff").addoption(
        _OPTION,
        metavar="DIR",
        help="where each failing assert_gradients_match leaves a report with tables, figures and named causes",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Without the option nothing is done."""
    folder = config.getoption(_OPTION)
    if folder is not None:
        place = config.invocation_params.dir / Path(folder).expanduser()
        config.pluginmanager.register(Reports(place), "gradient_diff_reports")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Without `-vv` a message is short; pytest writes it down on the way in.

    In pytest's own summary, which cuts lines, the cause comes first, and not the name of an exception.
    """
    known = "gradient_diff.testing" in sys.modules  # else nobody has compared anything, and nothing need be imported
    if known and call.excinfo is not None and item.config.get_verbosity() < _ALL:
        for mismatch in mismatches(call.excinfo.value):
            mismatch.shorten()
    report = yield
    crash = getattr(report.longrepr, "reprcrash", None)
    if known and crash is not None:
        crash.message = crash.message.removeprefix(_NAME)
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Where the reports are; those of xdist's workers arrive with their test reports."""
    reports = [report for several in terminalreporter.stats.values() for report in several]
    lines = [line for report in reports for line in getattr(report, _WRITTEN, ())]
    if lines:
        terminalreporter.section("gradient-diff reports")
        for line in dict.fromkeys(lines):
            terminalreporter.write_line(line)


class Reports:
    """Writes the report of each failure.

    Attributes:
        folder: where to.
        written: how many reports each test has so far.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.written: Counter[str] = Counter()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Outermost, so that an expected failure is known as such."""
        report = yield
        if report.failed and call.excinfo is not None:
            pages = [self._write(item.nodeid, mismatch) for mismatch in mismatches(call.excinfo.value)]
            if pages:
                setattr(report, _WRITTEN, [f"{item.nodeid}: {page}" for page in pages])
                found = [(_PROPERTY, str(page)) for page in pages if isinstance(page, Path)]
                report.user_properties += found
                item.user_properties += found  # JUnit's XML reads those of the teardown
        return report

    def _write(self, test: str, mismatch: GradientMismatch) -> Path | str:
        """Its page, or why there is none."""
        self.written[test] += 1
        number = self.written[test]
        name = folder_name(test) + (f"-{number}" if number > 1 else "")
        try:
            from gradient_diff.render.folder import write_report

            with warnings.catch_warnings(action="ignore"):  # a font without a letter of the test's name fails no test
                return write_report(mismatch.diff, self.folder / name, title=test, manifest={"test": test})
        except Exception as error:  # noqa: BLE001  # whatever it is, the other tests must go on
            return f"no report could be written: {error}"


def mismatches(error: BaseException) -> Iterator[GradientMismatch]:
    """All failed comparisons in an exception, in the groups and the chain that it brings.

    Yields:
        Each once, the last raised first.
    """
    from gradient_diff.testing import GradientMismatch

    seen: set[int] = set()
    waiting: list[BaseException | None] = [error]
    while waiting:
        found = waiting.pop()
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, GradientMismatch):
            yield found
        inside = found.exceptions if isinstance(found, BaseExceptionGroup) else ()
        waiting += [found.__context__, found.__cause__, *reversed(inside)]


def folder_name(test: str) -> str:
    """A name for a test's folder: readable, safe on any file system, and no other test's."""
    from gradient_diff.names import plain_name

    readable = plain_name(test, keep="._", gap="-").strip("-.")[:_LONGEST]
    return f"{readable}-{hashlib.sha256(test.encode('utf-8', 'surrogatepass')).hexdigest()[:8]}".lstrip("-")
