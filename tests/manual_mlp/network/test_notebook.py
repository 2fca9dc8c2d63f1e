from __future__ import annotations

import re

import numpy as np

from manual_mlp import MLP, Dense, Dropout

NET = MLP(7, [Dense(5, "sigmoid"), Dropout(0.3), Dense(3)])


def text(html: str) -> list[list[str]]:
    """The cells of each row."""
    return [re.findall(r"<t[dh][^>]*>(.*?)</t[dh]>", row) for row in re.findall(r"<tr>(.*?)</tr>", html)]


def test_a_network_shows_its_layers_with_shapes() -> None:
    html = NET._repr_html_()
    assert "<strong>7-5-dropout 0.3-3</strong>: x is (N, 7); 58 parameters." in html
    assert text(html) == [
        ["layer", "kind", "output", "parameters"],
        ["dense_1", "Dense, sigmoid", "(N, 5)", "kernel (7, 5), bias (5,)"],
        ["dropout_1", "Dropout", "(N, 5)", "none"],
        ["dense_2", "Dense, linear", "(N, 3)", "kernel (5, 3), bias (3,)"],
    ]


def test_of_a_deep_network_twelve_layers_are_open() -> None:
    html = MLP(2, [Dense(2) for _ in range(15)])._repr_html_()
    assert "<summary>3 more layers</summary>" in html
    assert len(text(html.partition("<details>")[0])) == 13


def test_an_evaluation_shows_e_and_its_gradients_and_folds_the_rest() -> None:
    mlp = MLP(1, [Dense(1)])
    weights = {"dense_1/kernel": np.array([[2.0]]), "dense_1/bias": np.array([0.0])}
    e = mlp.backpropagate(weights, np.array([[3.0]]), np.array([[5.0]]), "half_sum_squared_error")
    assert repr(e) == "<Evaluation E = 0.5 of 1-1, half_sum_squared_error, batch 1, float64, by manual_mlp>"
    open_part, _, folded = e._repr_html_().partition("<details>")
    assert "<strong>E = 0.5</strong>" in open_part
    assert text(open_part)[1:] == [["dE/d(dense_1/kernel)", "(1, 1)", "3"], ["dE/d(dense_1/bias)", "(1,)", "1"]]
    assert ["dense_1/u", "(1, 1)", "6"] in text(folded)


def test_a_name_is_text() -> None:
    assert "<b>" not in MLP(1, [Dense(1, name="<b>")])._repr_html_()
