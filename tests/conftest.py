"""How the tests are shared out: among the two tiers, and among pytest-xdist's workers."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """XLA compiles for seconds, so all that runs by it is slow.

    A file stays whole, and what is costly to make, such as a run of a study, is made by one worker and not by each.
    """
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        if any(isinstance(value, str) and value == "xla" for value in parameters):
            item.add_marker(pytest.mark.slow)
        group = "studies" if "fresh" in getattr(item, "fixturenames", ()) else item.path.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a test has recorded as `printed` stands below all of them, its first line as a title."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for text in (str(text) for report in reports for name, text in report.user_properties if name == "printed"):
        title, *lines = text.splitlines()
        terminalreporter.write_sep("=", title)
        for line in lines:
            terminalreporter.write_line(line)
