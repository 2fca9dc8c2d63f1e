"""What a step is judged as hangs on no tracing, which takes seconds: only tests that ask for it trace."""

from __future__ import annotations

import pytest

from gradient_diff.stepping import comparing


@pytest.fixture(autouse=True)
def untraced(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if "tracing" not in request.node.path.name:
        monkeypatch.setattr(comparing, "with_code", lambda diff, *_: diff)
