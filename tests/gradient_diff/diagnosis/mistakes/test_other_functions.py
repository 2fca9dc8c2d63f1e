"""f′ of another activation, the other form, the argument forgotten; another loss, labels that are not smoothed."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from experiments.students.slips import Slip
from experiments.students.wrong_activations import NEWER, wrong_derivatives
from experiments.students.wrong_derivations import wrong_gradients
from experiments.students.wrong_outputs import OTHERS
from gradient_diff import Status, compare
from manual_mlp import LOSSES, MLP, Dense, Loss, Problem, evaluation_of
from manual_mlp.extend import draw_data

POSITIVE = ("poisson", "kl_divergence", "mean_squared_logarithmic_error")


def _net(hidden: str, loss: Loss, output: str = "linear", seed: int = 0) -> Problem:
    mlp = MLP(7, [Dense(5, hidden), Dense(4, hidden), Dense(3, output)])
    rng = np.random.default_rng(seed)
    x, y = draw_data(rng, 11, mlp, loss)
    y = np.abs(y) + 0.1 if loss.name in (*POSITIVE, "mean_absolute_percentage_error") else y
    return mlp.problem(mlp.initialize(rng, "normal(0.7)", "normal(0.5)"), x, y, loss)


def _losses() -> list[tuple[Loss, str]]:
    plain = [*(Loss(n) for n in OTHERS if n != "mean_squared_error"), Loss("huber", delta=0.5)]
    smoothed = Loss("CategoricalCrossentropy", label_smoothing=0.1)
    return [
        *((z, "softplus" if z.name in POSITIVE else "linear") for z in plain),
        (Loss("bce", label_smoothing=0.2), "sigmoid"),
        (smoothed, "softmax"),
        (dataclasses.replace(smoothed, from_logits=True), "linear"),
        (Loss("mae", reduction="sum"), "linear"),
    ]


@pytest.mark.parametrize("name", NEWER)
def test_a_right_derivation_of_a_newer_activation_is_right(name: str) -> None:
    problem = _net(name, Loss("mse"))
    assert compare(wrong_gradients(problem), evaluation_of(problem)).ok


@pytest.mark.parametrize(("loss", "output"), _losses())
def test_a_right_derivation_of_a_newer_loss_is_right(loss: Loss, output: str) -> None:
    problem = _net("tanh", loss, output)
    assert compare(wrong_gradients(problem), evaluation_of(problem)).ok


SLIPS = [
    *((name, Slip("derivative_wrong", 1, form)) for name in NEWER for form in wrong_derivatives(name)),
    *((name, Slip("missing_derivative", 1)) for name in NEWER),
    *((name, Slip("derivative_at_output", 1)) for name in NEWER if not name.startswith(("leaky", "hard"))),
]


@pytest.mark.matrix(most=12)
@pytest.mark.parametrize(("name", "slip"), SLIPS, ids=lambda v: v if isinstance(v, str) else f"{v.id} {v.form}")
def test_a_wrong_derivative_of_a_newer_activation_is_named_first(name: str, slip: Slip) -> None:
    problem = _net(name, Loss("mse"))
    diff = compare(wrong_gradients(problem, slip), evaluation_of(problem))
    assert diff.verdict is Status.MISMATCH
    assert (diff.causes[0].id, diff.causes[0].layer) == (slip.id, "dense_2")


@pytest.mark.parametrize(
    ("name", "form", "words"),
    [
        ("gelu", "other form", "f′ is that of gelu(approximate=True), and not of gelu, the other form of it"),
        ("elu(alpha=0.5)", "alpha forgotten", "with the arguments that it has by default"),
        ("leaky_relu", "of relu", ": the slope below 0, or another argument, is forgotten"),
        ("silu", "gate alone", "that the gate itself depends on u is left out"),
        ("mish", "of tanh", "f′ is that of tanh, and not of mish"),
    ],
)
def test_the_sentence_says_whose_derivative_it_is(name: str, form: str, words: str) -> None:
    problem = _net(name, Loss("mse"))
    diff = compare(wrong_gradients(problem, Slip("derivative_wrong", 0, form)), evaluation_of(problem))
    assert words in diff.causes[0].message


PAIRS = [
    (loss, output, other)
    for loss, output in _losses()
    for other in OTHERS
    if LOSSES[loss.name].logits is None and other != loss.name and loss.reduction != "sum"
    if (other in POSITIVE) <= (output == "softplus") and "hinge" not in other + loss.name
]


@pytest.mark.parametrize(("loss", "output", "other"), PAIRS, ids=lambda v: getattr(v, "name", v))
def test_the_gradient_of_another_loss_is_named_first(loss: Loss, output: str, other: str) -> None:
    problem = _net("tanh", loss, output)
    diff = compare(wrong_gradients(problem, Slip("other_loss", form=other)), evaluation_of(problem))
    assert diff.verdict is Status.MISMATCH
    assert diff.causes[0].id == "other_loss"
    assert f"it is the gradient of {other}, not of {loss.name}" in diff.causes[0].message


@pytest.mark.parametrize(("loss", "output"), [pair for pair in _losses() if pair[0].label_smoothing])
def test_labels_that_were_not_smoothed_are_named_first(loss: Loss, output: str) -> None:
    problem = _net("tanh", loss, output)
    diff = compare(wrong_gradients(problem, Slip("other_loss", form="labels as they are")), evaluation_of(problem))
    assert [cause.id for cause in diff.causes] == ["label_smoothing"]
    assert "labels that are not smoothed" in diff.causes[0].message


def test_a_sum_for_a_mean_is_named() -> None:
    mean, total = (_net("tanh", Loss("mae", reduction=r)) for r in ("mean", "sum"))
    found = [compare(wrong_gradients(a), evaluation_of(b)).causes[0].id for a, b in ((total, mean), (mean, total))]
    assert found == ["missing_batch_mean", "mean_for_sum"]
