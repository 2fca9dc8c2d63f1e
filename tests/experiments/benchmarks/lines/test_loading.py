from __future__ import annotations

import linecache
import sys
from types import SimpleNamespace

import numpy as np

from experiments.benchmarks.lines.cases import single_cases, styles_of
from experiments.benchmarks.lines.loading import loaded, weights_of

CASE = next(c for c in single_cases("tuned") if c.name == "matrices")


def test_weights_are_copies_under_the_house_s_names() -> None:
    w, b = np.ones((2, 3)), np.ones((1, 3))
    for net in (SimpleNamespace(weights=[w], biases=[b]), SimpleNamespace(layers=[{"kernel": w, "bias": b}])):
        found = weights_of(net)
        assert {n: a.shape for n, a in found.items()} == {"dense_1/kernel": (2, 3), "dense_1/bias": (3,)}
        assert not any(np.shares_memory(a, w) or np.shares_memory(a, b) for a in found.values())


def test_a_loaded_file_can_be_read_while_it_is_used_and_is_forgotten() -> None:
    before = set(sys.modules)
    with loaded(CASE, CASE.planted.text) as user:
        file = user.entry.__code__.co_filename
        assert "".join(linecache.getlines(file)) == CASE.planted.text
        assert user.call()
    assert file not in linecache.cache
    assert set(sys.modules) == before


def test_every_style_has_a_call_that_is_known() -> None:
    assert {style.call for part in ("tuned", "aside") for style in styles_of(part)} == {"gradients", "step", "script"}
