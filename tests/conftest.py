"""How the tests are shared out: among the two tiers, and among pytest-xdist's workers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.browsing import launched
from tools.sharing import scheduler
from tools.thinning import thinned


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """XLA compiles for seconds, so all that runs by it is slow; and so is what a matrix has twice."""
    for item in items:
        parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
        if any(isinstance(value, str) and value == "xla" for value in parameters):
            item.add_marker(pytest.mark.slow)
    for item in [*thinned(items)]:
        item.add_marker(pytest.mark.slow(again=True))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """A file stays whole, and a run of a study is made by one worker and not by each."""
    return scheduler(config, log) if config.getoption("dist") == "loadgroup" else None


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium; where it is missing, a test that asks for it says so and is skipped."""
    with launched() as browser:
        yield browser


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What a test has recorded as `printed` stands below all of them, its first line as a title."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    for text in (str(text) for report in reports for name, text in report.user_properties if name == "printed"):
        title, *lines = text.splitlines()
        terminalreporter.write_sep("=", title)
        for line in lines:
            terminalreporter.write_line(line)
