from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from rich.progress import Progress

from experiments.article_c_gates import study as study
from experiments.article_c_gates.gates import GATES, INPUTS, half_adder, nand, perceptron
from experiments.article_c_gates.pictures import surfaces
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from manual_mlp import load_parameters, sigmoid

STUDY = "logic_gates"
Tables = Callable[[str], pd.DataFrame]


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "3 of 3 comparisons as expected, 9 of 9 claims hold"


@pytest.mark.parametrize("gate", GATES)
def test_each_gate_is_its_truth_table(gate: str) -> None:
    logic = {"NAND": lambda a, b: not (a and b), "AND": lambda a, b: a and b, "OR": lambda a, b: a or b}[gate]
    mlp, parameters = perceptron(gate, "step")
    assert mlp.predict(parameters, INPUTS)[:, 0].tolist() == [float(logic(a, b)) for a, b in INPUTS]


def test_nand_has_the_article_s_weights() -> None:
    _, parameters = perceptron("NAND", "step")
    assert (parameters["dense_1/kernel"].ravel().tolist(), parameters["dense_1/bias"].tolist()) == ([-2, -2], [3])


def test_the_half_adder_adds() -> None:
    for a, b in itertools.product((0.0, 1.0), repeat=2):
        total, carry = half_adder(np.array([a]), np.array([b]))
        assert 2 * carry + total == a + b


def test_a_half_adder_of_another_gate_does_not_add() -> None:
    a, b = INPUTS.T
    total, carry = half_adder(a, b, lambda p, q: 1 - nand(p, q))
    assert not np.array_equal(2 * carry + total, a + b)


def test_the_sigmoid_gives_nand_after_rounding(table: Tables) -> None:
    rows = table("nand_with_the_sigmoid")
    np.testing.assert_allclose(rows["σ(u)"], sigmoid(np.array([3.0, 1.0, 1.0, -1.0])), rtol=1e-12)
    assert rows["rounded"].tolist() == [1, 1, 1, 0]


@pytest.mark.parametrize("name", ["2_2_1_learned", "2_4_1"])
def test_what_is_saved_as_learned_computes_xor(name: str, folder: Path) -> None:
    parameters = load_parameters(folder / f"{name}.npz")
    mlp = study.xor_network("2-2-1" if name.startswith("2_2") else "2-4-1")
    np.testing.assert_array_equal(mlp.predict(parameters, INPUTS).round(), study.XOR)


def test_what_is_saved_as_stuck_does_not(folder: Path) -> None:
    parameters = load_parameters(folder / "2_2_1_stuck.npz")
    assert not np.array_equal(study.xor_network("2-2-1").predict(parameters, INPUTS).round(), study.XOR)


def test_both_twins_end_at_the_same_weights(table: Tables) -> None:
    rows = table("after_the_training")
    assert rows["network"].tolist() == ["2-2-1", "2-4-1"]
    assert (rows["weights apart, relative"] < 1e-9).all()  # they leave no plateau on which an ulp would decide
    assert rows["right by hand"].tolist() == rows["right by the tape"].tolist() == [4, 4]


def test_every_seed_is_counted_once(table: Tables) -> None:
    rows = table("rows_of_xor_that_are_right_after_training").set_index("network")
    assert (rows.iloc[:, 1:].sum(axis=1) == rows["seeds"]).all()
    assert rows["seeds"].tolist() == [100, 100, 100]
    assert rows.loc["2-1", "all 4 right"] == 0
    assert 10 <= rows.loc["2-2-1", "2 or fewer right"] + rows.loc["2-2-1", "3 right"] <= 50


def test_of_an_empty_table_nothing_is_claimed(progress: Progress) -> None:
    result = study.run(Settings(epochs=1), progress, seeds=2)
    assert result.failed == []
    training = {"both twins learn", "the tape agrees whenever", "both hidden layers", "gets stuck"}
    assert not [claim for claim in result.claims for words in training if words in claim]
    assert "After the training" not in result.tables
    assert any("no network learns it" in text for part in result.parts for text in part.paragraphs)


def test_too_few_steps_of_its_own_learn_nothing_and_the_claims_say_so(
    progress: Progress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(study, "STEPS", 1)
    result = study.run(Settings(), progress, seeds=2)
    assert "does not hold: both hidden layers are learned from some seed" in result.failed
    assert "both twins learn all four rows" not in result.claims


def test_the_picture_is_drawn_from_the_saved_weights(folder: Path) -> None:
    networks = [load_parameters(folder / f"{stem}.npz") for stem in study.TITLES]
    axes = surfaces(*networks, titles=list(study.TITLES.values())).axes
    assert [a.get_title() for a in axes] == ["2-2-1, learned", "2-2-1, stuck", "2-4-1, learned"]
    shown = np.asarray(axes[0].images[0].get_array())
    assert (shown[25, 75] > 0.5, shown[25, 25] < 0.5) == (True, True)  # at (1, 0) and at (0, 0)
