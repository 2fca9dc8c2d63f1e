"""Every peer says yes to a right gradient and no to one that is grossly wrong; those not installed are skipped."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from experiments.benchmarks.detection.peers.differences import central_differences
from experiments.benchmarks.detection.peers.energy import Energy
from experiments.benchmarks.detection.peers.peer import Check, HandAndTape, Peer, accepts
from experiments.benchmarks.detection.peers.table import PEERS
from manual_mlp import MLP, Dense, Evaluation

NAMES = [peer.name for peer in PEERS]


@cache
def loaded(name: str) -> Check:
    peer = next(peer for peer in PEERS if peer.name == name)
    try:
        return peer.load()
    except ImportError as error:
        pytest.skip(f"{error.name} is not installed: pip install 'gradient-diff[peers]'")


@cache
def evaluation() -> Evaluation:
    """A smooth network on a loss of size 1, the case that every peer is made for."""
    mlp = MLP(3, [Dense(4, "tanh"), Dense(2)])
    rng = np.random.default_rng(0)
    return mlp.backpropagate(mlp.initialize(1), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")


def question(factor: float, decay: float = 0.0) -> HandAndTape:
    e = evaluation()
    added = {n: 2 * decay * a if a.ndim == 2 else 0 * a for n, a in e.problem.parameters.items()}
    right = {n: g + added[n] for n, g in e.gradients.items()}
    return HandAndTape({n: factor * g for n, g in right.items()}, right, Energy(e.problem, decay))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_each_accepts_a_right_gradient(name: str, decay: float) -> None:
    assert accepts(loaded(name), question(1.0, decay))


@pytest.mark.parametrize("name", NAMES)
def test_each_refuses_a_grossly_wrong_one(name: str) -> None:
    assert not accepts(loaded(name), question(2.0))


@pytest.mark.parametrize("name", NAMES)
def test_each_refuses_one_wrong_tensor_among_right_ones(name: str) -> None:
    right = question(1.0)
    for wrong in right.hand:
        hand = {n: -g if n == wrong else g for n, g in right.hand.items()}
        assert not accepts(loaded(name), HandAndTape(hand, right.reference, right.energy)), wrong


@pytest.mark.parametrize("name", [n for n in NAMES if "gradcheck" in n])
def test_gradcheck_goes_on_in_float32(name: str) -> None:
    e = evaluation()
    coarse = e.problem.mlp.backpropagate(
        {n: a.astype("float32") for n, a in e.problem.parameters.items()},
        e.problem.x.astype("float32"),
        e.problem.y.astype("float32"),
        "mse",
    )
    asked = HandAndTape(coarse.gradients, coarse.gradients, Energy(coarse.problem))
    assert not accepts(loaded(name), asked)  # a right gradient: its step of 1e-6 is too small for float32


def test_a_crash_is_no_refusal() -> None:
    def broken(_: HandAndTape) -> bool:
        raise KeyError("a mistake of ours")

    with pytest.raises(KeyError, match="a mistake of ours"):
        accepts(broken, question(1.0))


def test_the_peers_have_different_names_and_say_their_rule() -> None:
    assert len(set(NAMES)) == len(PEERS)
    assert all(isinstance(peer, Peer) and peer.rule for peer in PEERS)


@pytest.mark.parametrize("decay", [0.0, 0.25])
def test_the_energy_is_what_the_gradient_belongs_to(decay: float) -> None:
    asked = question(1.0, decay)
    numbers = asked.energy.split(central_differences(asked.energy, 1e-6))
    for gradient, n in zip(asked.gradients, numbers, strict=True):
        np.testing.assert_allclose(n, gradient, rtol=1e-6, atol=1e-9)  # rounding u·E/h = 1e-10, truncation h² = 1e-12


def test_the_energy_remembers_points_and_not_more() -> None:
    energy = question(1.0).energy
    first = energy(*energy.start)
    moved = [a + 1e-3 for a in energy.start]
    assert energy(*moved) != first
    assert energy(*energy.start) == first == pytest.approx(evaluation().loss, rel=1e-12)


def test_the_energy_computes_in_the_networks_dtype() -> None:
    e = evaluation()
    mlp, x, y = e.problem.mlp, e.problem.x.astype("float32"), e.problem.y.astype("float32")
    coarse = mlp.problem({n: a.astype("float32") for n, a in e.problem.parameters.items()}, x, y, "mse")
    assert Energy(coarse, 0.1)(*e.problem.parameters.values()).dtype == np.float32
