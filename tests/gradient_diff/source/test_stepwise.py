"""A step in the user's own words."""

from __future__ import annotations

import numpy as np
import pytest

from gradient_diff.source.frames import Own
from gradient_diff.source.known import Known
from gradient_diff.source.stepwise import spelled
from manual_mlp import MLP, Dense
from manual_mlp.extend import draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization

RNG, MINE = np.random.default_rng(0), MLP(6, [Dense(4, "tanh"), BatchNormalization(), Dense(3)])
KNOWN = Known(MINE.problem(draw_parameters(RNG, MINE, "normal(0.3)"), *draw_data(RNG, 5, MINE, "mse"), "mse"))
OWN = "batch_normalization_1"


def texts(node: str, **names: str) -> list[str]:
    own = [Own(text, KNOWN.by_node[n].array, KNOWN.recognise(KNOWN.by_node[n].array)) for text, n in names.items()]
    own += [Own("EPS", np.asarray(1e-3), None), Own("m", np.asarray(5), None)]
    return list(spelled(node, own, KNOWN.ladder, KNOWN.numbers))


@pytest.mark.parametrize(
    ("node", "names", "text"),
    [
        ("x̂", {"c": "z_prev − μ", "s": "√(v + ε)"}, "c / s"),
        ("x̂", {"c": "z_prev − μ", "r": "1 ⁄ √(v + ε)"}, "c * r"),
        ("x̂", {"c": "z_prev − μ", "var": "variance"}, "c / np.sqrt(var + EPS)"),
        ("x̂", {"c": "z_prev − μ", "var": "variance"}, "c / np.sqrt(var + 0.001)"),
        ("variance", {"c": "z_prev − μ"}, "(c ** 2).mean(axis=0)"),
        ("variance", {"s": "Σ (z_prev − μ)²"}, "s / m"),
        ("dE_dgamma", {"g": "dE_dz", "h": "x̂"}, "(g * h).sum(axis=0)"),
        ("dE/dv", {"g": "Σ ĝ (z_prev − μ)", "s": "√(v + ε)"}, "-0.5 * g / s ** 3"),
        ("ĝ − mean ĝ", {"g": "ĝ"}, "g - g.mean(axis=0)"),
    ],
)
def test_the_user_s_names_where_he_has_them_else_their_steps(node: str, names: dict[str, str], text: str) -> None:
    assert text in texts(f"{OWN}/{node}", **{k: f"{OWN}/{v}" for k, v in names.items()})


def test_all_at_once_of_what_little_there_is() -> None:
    down = next(e.node for e in KNOWN.ladder.equations.values() if e.layer == OWN and e.node.startswith("dense_1/"))
    found = texts(down, g=f"{OWN}/ĝ", h=f"{OWN}/x̂", r=f"{OWN}/1 ⁄ √(v + ε)")
    assert "(g - g.mean(axis=0) - h * (g * h).mean(axis=0)) * r" in found


def test_what_has_no_names_is_not_spelled() -> None:
    assert texts(f"{OWN}/x̂") == []
    assert texts("dense_2/u", h=f"{OWN}/z") == []


def test_a_size_is_spelled_by_a_name_alone() -> None:
    """A 5 that the batch explains is no text for another batch."""
    assert not any("5" in text for text in texts(f"{OWN}/mean", s=f"{OWN}/Σ z_prev"))
