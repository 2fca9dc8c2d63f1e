"""Networks that the detection study draws, and what was said of one pair."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from experiments.benchmarks.detection.cases import DrawnNet
from experiments.benchmarks.detection.nets import draw_problem
from experiments.benchmarks.detection.peers.table import PEERS
from experiments.benchmarks.detection.trials import US, Asked, Tools

SMALL = 4  # a square network of two small layers


@pytest.fixture(scope="session")
def net() -> Callable[..., DrawnNet]:
    """(number, dtype, scale) → the network; a small one unless it is given."""

    def draw(number: int = SMALL, dtype: str = "float64", scale: float = 1.0) -> DrawnNet:
        return DrawnNet(number, draw_problem(number, dtype, scale))

    return draw


@pytest.fixture(scope="session")
def nobody() -> Tools:
    """No peer is installed."""
    return Tools({}, {peer.name: "nothing" for peer in PEERS})


@pytest.fixture(scope="session")
def asked() -> Callable[..., Asked]:
    """(what, whether we refused it, anything else) → one line of the records."""
    usual = {"id": "sign", "words": "sign", "number": 0, "dtype": "float64", "scale": 1.0}
    usual |= {"sigma": 100.0, "relative": 1, **dict.fromkeys(("square", "one_sample", "saturated"), False)}

    def make(what: str, refused: bool, **more: object) -> Asked:
        return Asked(what, **{**usual, "refused": {US: refused}, **more})

    return make
