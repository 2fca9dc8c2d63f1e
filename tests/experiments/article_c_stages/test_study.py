from __future__ import annotations

from pathlib import Path
from typing import get_args

import numpy as np
import pandas as pd
import pytest

from experiments.article_c_stages import study as study
from experiments.article_c_stages.article import ArticleSlip, article_weights, gradients, turned
from experiments.article_c_stages.pictures import draw_stage, lit_edges, numbers
from experiments.article_c_stages.stages import stages
from experiments.frame.running import Outcome
from experiments.frame.study import Settings
from gradient_diff import compare
from manual_mlp import Evaluation

STUDY = "stage_by_stage"


def test_all_is_as_expected(outcome: Outcome) -> None:
    assert outcome.failed == ()
    assert outcome.summary == "6 of 6 comparisons as expected, 5 of 5 claims hold"


def test_the_stages_compute_every_node_once_and_in_order() -> None:
    shown = [node for stage in stages(study.NETWORK) for node in stage.nodes]
    assert shown == [
        n for n in (e.node for e in study.NETWORK.equations(study.LOSS)) if n != "inputs/dE_dx" and n in shown
    ]
    assert len(shown) == len(set(shown)) == len(study.NETWORK.equations(study.LOSS)) - 1


def test_the_article_s_derivation_is_right_where_it_makes_no_slip() -> None:
    parameters, x, y = study.numbers_of(Settings())
    hand, _ = study.both(parameters, x, y, Settings())
    for name, gradient in turned(gradients(*article_weights(parameters), x, y)).items():
        np.testing.assert_allclose(gradient, hand.gradients[name], rtol=1e-12)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("slip", get_args(ArticleSlip))
def test_each_slip_is_named_first_whatever_the_seed(slip: ArticleSlip, seed: int) -> None:
    settings = Settings(seed=seed)
    part = study.slip_part(slip, study.both(*study.numbers_of(settings), settings)[1])
    assert part.claims == {f"{slip} is named first": True}
    assert all(c.as_expected for c in part.comparisons.values())


def test_no_slip_is_not_named(monkeypatch: pytest.MonkeyPatch) -> None:
    reference = study.both(*study.numbers_of(Settings()), Settings())[1]
    monkeypatch.setattr(study, "gradients", lambda w, b, x, y, slip=None: gradients(w, b, x, y))
    part = study.slip_part("sign", reference)
    assert part.claims == {"sign is named first": False}
    assert not any(c.as_expected for c in part.comparisons.values())


def test_the_repeated_formula_has_the_shape_of_the_other_layer() -> None:
    parameters, x, y = study.numbers_of(Settings())
    wrong = gradients(*article_weights(parameters), x, y, "wrong_input")
    assert wrong["dense_1/kernel"].shape == (3, 3)
    np.testing.assert_array_equal(wrong["dense_1/kernel"], wrong["dense_2/kernel"])


def test_one_turned_layer_is_no_convention() -> None:
    parameters, x, y = study.numbers_of(Settings())
    reference = study.both(parameters, x, y, Settings())[1]
    mixed = turned(gradients(*article_weights(parameters), x, y))
    mixed["dense_2/kernel"] = mixed["dense_2/kernel"].T
    assert "convention_transposed" not in [cause.id for cause in compare(mixed, reference).causes]


def test_the_numbers_of_the_table_are_those_of_the_evaluation(folder: Path) -> None:
    rows = pd.read_csv(folder / "tables" / "the_stages.csv")
    nodes = Evaluation.load(folder / "evaluation.npz").nodes
    shown = [node for stage in stages(study.NETWORK) for node in stage.nodes]
    for text, node in zip(rows["numbers"], shown, strict=True):
        found = np.array(text.replace("[", " ").replace("]", " ").replace(",", " ").split(), float)
        np.testing.assert_allclose(found, np.ravel(nodes[node]), atol=5.1e-5)


def test_weights_have_one_digit_and_no_minus_zero() -> None:
    parameters, x, _ = study.numbers_of(Settings())
    for array in (*parameters.values(), x):
        np.testing.assert_array_equal(array, array.round(1))
        assert not np.signbit(array[array == 0]).any()


def test_edges_are_lit_where_they_are_used() -> None:
    assert [lit_edges(stage) for stage in stages(study.NETWORK)] == [1, 2, 3, 0, 0, 3, 3, 2, 2, 1]


@pytest.mark.parametrize("number", range(10))
def test_each_picture_shows_its_equation_its_shapes_and_its_numbers(number: int, folder: Path) -> None:
    evaluation, stage = Evaluation.load(folder / "evaluation.npz"), stages(study.NETWORK)[number]
    drawing, words = draw_stage(evaluation, number).axes
    text = words.texts[0].get_text()
    for formula in stage.article:
        assert formula in text
    for node in stage.nodes:
        assert numbers(evaluation.nodes[node]).splitlines()[0] in text
    known = [t.get_text() for t in drawing.texts]
    assert sum(t.startswith("δ ") for t in known) == [0, 0, 0, 0, 2, 2, 5, 5, 8, 8][number]
    assert sum(t.startswith("z ") for t in known) == [5, 8, 10, 10, 10, 10, 10, 10, 10, 10][number]
