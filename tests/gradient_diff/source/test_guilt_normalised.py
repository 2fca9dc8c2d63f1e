"""The exact expression in a normalisation that is wrong: in one, and in code that two of them share."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff.source.guilt import find_guilty
from gradient_diff.source.trial import Trial
from manual_mlp import MLP, Dense, Problem
from manual_mlp.extend import Layer, draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization, LayerNormalization

Blamed = Callable[..., list[tuple[str, str]]]

ONE = """
import numpy as np

def gradients(parameters, x, y):
    W1, b1, gamma, beta, W2, b2 = [parameters[n] for n in parameters if "moving" not in n]
    a = np.tanh(x @ W1 + b1)
    mu = a.mean(axis=0)
    var = a.var(axis=0)
    std = np.sqrt(var + 1e-3)
    h = (a - mu) / std
    z = gamma * h + beta
    d2 = 2 * (z @ W2 + b2 - y) / y.size
    dz = d2 @ W2.T
    dgamma = (dz * h).sum(axis=0)
    g = dz * gamma
    da = (g - g.mean(axis=0) - h * (g * h).mean(axis=0)) / std
    d1 = da * (1 - a**2)
    return [x.T @ d1, d1.sum(axis=0), dgamma, dz.sum(axis=0), z.T @ d2, d2.sum(axis=0)]
"""
TWO = """
import numpy as np

def forward(a, gamma, beta):
    c = a - a.mean(axis=1, keepdims=True)
    std = np.sqrt((c**2).mean(axis=1, keepdims=True) + 1e-3)
    return gamma * (c / std) + beta, (c / std, std, gamma)

def backward(dz, kept):
    h, std, gamma = kept
    g = dz * gamma
    down = (g - g.mean(axis=1, keepdims=True) - h * (g * h).mean(axis=1, keepdims=True)) / std
    return down, (dz * h).sum(axis=0), dz.sum(axis=0)

def gradients(parameters, x, y):
    W1, b1, g1, c1, W2, b2, g2, c2, W3, b3 = parameters.values()
    a1 = np.tanh(x @ W1 + b1)
    z1, kept1 = forward(a1, g1, c1)
    a2 = np.tanh(z1 @ W2 + b2)
    z2, kept2 = forward(a2, g2, c2)
    d3 = 2 * (z2 @ W3 + b3 - y) / y.size
    da2, dg2, dc2 = backward(d3 @ W3.T, kept2)
    d2 = da2 * (1 - a2**2)
    da1, dg1, dc1 = backward(d2 @ W2.T, kept1)
    d1 = da1 * (1 - a1**2)
    return [x.T @ d1, d1.sum(0), dg1, dc1, z1.T @ d2, d2.sum(0), dg2, dc2, z2.T @ d3, d3.sum(0)]
"""


def drawn(*layers: Layer) -> Problem:
    rng, mlp = np.random.default_rng(0), MLP(6, [*layers, Dense(3)])
    return mlp.problem(draw_parameters(rng, mlp, "normal(0.3)"), *draw_data(rng, 5, mlp, "mse"), "mse")


OVER_THE_BATCH = drawn(Dense(4, "tanh"), BatchNormalization())
OF_EACH_SAMPLE = drawn(Dense(4, "tanh"), LayerNormalization(), Dense(7, "tanh"), LayerNormalization())

IN_ONE = {
    "one number for all units": ("a.mean(axis=0)", "a.mean()", "mean"),
    "of each sample": ("a.var(axis=0)", "a.var(axis=1, keepdims=True)", "variance"),
    "one less": ("a.var(axis=0)", "a.var(axis=0, ddof=1)", "variance"),
    "another ε": ("var + 1e-3", "var + 1e-5", "v + ε"),
    "the root is forgotten": ("np.sqrt(var + 1e-3)", "(var + 1e-3)", "√(v + ε)"),
    "multiplied": ("(a - mu) / std", "(a - mu) * std", "x̂"),
    "what is not centred": ("(a - mu) / std", "a / std", "x̂"),
    "β is forgotten": ("gamma * h + beta", "gamma * h", "z"),
    "a sum for a mean": ("(g * h).mean(axis=0)", "(g * h).sum(axis=0)", None),
    "dE/dz for ĝ": ("(g * h).mean(axis=0)", "(dz * h).mean(axis=0)", None),
    "no way through v": (" - h * (g * h).mean(axis=0)", "", None),
    "constants": ("(g - g.mean(axis=0) - h * (g * h).mean(axis=0)) / std", "g / std", None),
    "z_prev for x̂": ("(dz * h).sum", "(dz * a).sum", "dE/dz x̂"),
}
IN_BOTH = {
    "over the batch": ("a.mean(axis=1, keepdims=True)", "a.mean(axis=0)", "mean"),
    "another ε": ("keepdims=True) + 1e-3", "keepdims=True) + 1e-5", "v + ε"),
    "not squared": ("(c**2).mean", "abs(c).mean", "(z_prev − μ)²"),
    "ĝ x̂ over the batch": ("(g * h).mean(axis=1, keepdims=True)", "(g * h).mean(axis=0)", "mean ĝ x̂"),
}


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


@pytest.mark.parametrize("what", list(IN_ONE))
def test_the_line_of_one(tried: Callable[..., Trial], what: str) -> None:
    right, wrong, kind = IN_ONE[what]
    (found,) = find_guilty(tried(ONE, (right, wrong), on=OVER_THE_BATCH))
    assert found.place.line == line_of(ONE, right)
    assert kind in (None, found.form.node.partition("/")[2])


@pytest.mark.parametrize("what", list(IN_BOTH))
def test_the_line_that_two_share(tried: Callable[..., Trial], what: str) -> None:
    right, wrong, kind = IN_BOTH[what]
    (found,) = find_guilty(tried(TWO, (right, wrong), on=OF_EACH_SAMPLE))
    assert found.place.line == line_of(TWO, right)
    assert [f.node.partition("/")[2] for f in found.forms] == [kind, kind]


@pytest.mark.parametrize(("text", "problem"), [(ONE, OVER_THE_BATCH), (TWO, OF_EACH_SAMPLE)])
def test_right_code_is_not_blamed(tried: Callable[..., Trial], text: str, problem: Problem) -> None:
    trial = tried(text, on=problem)
    given = trial.again()
    assert given is not None
    assert trial.healthy(given[0]) == trial.right.keys()
    assert find_guilty(trial) == []
