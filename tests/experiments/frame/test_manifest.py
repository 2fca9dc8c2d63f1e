from __future__ import annotations

import pytest

from experiments.frame.manifest import command
from experiments.frame.study import Settings


@pytest.mark.parametrize(
    ("settings", "typed"),
    [
        (Settings(), "gradient-diff run demo"),
        (Settings(dtype="float32", full=True), "gradient-diff run demo --dtype float32 --full"),
        (Settings(seed=3), "gradient-diff run demo --seed 3"),
    ],
)
def test_what_to_type_to_get_the_same_numbers(settings: Settings, typed: str) -> None:
    assert command("demo", settings) == typed
