"""How the tests are shared out among pytest-xdist's workers: a file stays whole, and so do all that read one run."""

from __future__ import annotations

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What is costly to make, such as a run of a study, is made by one worker and not by each."""
    for item in items:
        group = "studies" if "fresh" in getattr(item, "fixturenames", ()) else item.path.as_posix()
        item.add_marker(pytest.mark.xdist_group(group))
