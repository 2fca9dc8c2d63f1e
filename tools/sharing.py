"""Which tests run in one worker of pytest-xdist, so that what is costly to make is made once.

pytest-xdist's own `xdist_group` writes the group into a private name of pytest's, which pytest 9.2 no longer reads: the
groups were lost without a word, every test went to whoever was free, and each study ran twice.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from experiments import STUDIES

if TYPE_CHECKING:
    import pytest
    from xdist.scheduler import LoadScopeScheduling

HOMES = {name: PurePosixPath("tests", "experiments", *entry.module.split(".")[:-1]) for name, entry in STUDIES.items()}
"""Name of a study → the folder of its tests."""


def group_of(nodeid: str) -> str:
    """The folder of the study that a test names or belongs to; of all other tests their file."""
    file, _, name = nodeid.partition("::")
    named = [str(HOMES[word]) for word in re.split(r"[\[\]-]", name) if word in HOMES]
    above = [str(home) for home in HOMES.values() if PurePosixPath(file).is_relative_to(home)]
    return max(named or above or [file], key=len)


def scheduler(config: pytest.Config, log: object) -> LoadScopeScheduling:
    """What hands the groups out."""
    from xdist.scheduler import LoadScopeScheduling

    class Sharing(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return group_of(nodeid)

    return Sharing(config, log)
