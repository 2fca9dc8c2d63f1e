from __future__ import annotations

import re

import pytest

from experiments.benchmarks.keras_coverage.__main__ import line_of, lines
from experiments.benchmarks.keras_coverage.walk import Step, Way


def test_a_line_says_what_came_of_it() -> None:
    step = Step("layers", "GRU", "with dropout", Way.CRASH, "crash", failed=("right",), reason="KeyError: 'x'")
    assert line_of(step) == "layers.GRU, with dropout | FAILS (right) | crash | crash | KeyError: 'x'"


@pytest.mark.slow
def test_what_is_wanted_is_walked() -> None:
    found = list(lines(["regularizers.L2"]))
    assert [text.split(" | ")[0] for text in found] == ["regularizers.L2", "regularizers.L2, on all that a layer has"]
    words = r"regularizers\.L2 \| ok \| by equations \| MATCH · MISMATCH · MISMATCH \| [\d.]+ s = [\d.]+ gradients"
    assert re.fullmatch(words, found[0])
