"""The third witness: exact, independent of every backward formula, on the forward's own branch, and cheap."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from gradient_diff import Status, compare, rounding_noise
from gradient_diff.witnesses import complex_step as witness
from gradient_diff.witnesses.complex_step import PASSES, directional_derivative, largest
from manual_mlp import (
    ACTIVATIONS,
    LOSSES,
    MLP,
    Activation,
    Array,
    Dense,
    Dropout,
    Equation,
    Loss,
    Problem,
    evaluation_of,
)
from manual_mlp.equations.activations import activation
from manual_mlp.extend import variable_of

ENDINGS = [
    (name, False, f.fused_activation or ("softplus" if f.targets == "positive" else "linear"))
    for name, f in LOSSES.items()
]
ENDINGS += [(name, True, "linear") for name, f in LOSSES.items() if f.logits is not None]


def _problem(loss: Loss, output: str, hidden: str = "tanh", fused: bool | None = None) -> Problem:
    mlp = MLP(3, [Dense(4, hidden), Dense(3, output)])
    rng = np.random.default_rng(5)
    labels = rng.integers(0, 3, 6)
    y: Array = labels if loss.function.class_indices else 0.1 + 0.7 * np.eye(3)[labels] * rng.random((6, 1))
    return mlp.problem(mlp.initialize(0, "normal(0.7)", "normal(0.7)"), rng.normal(size=(6, 3)), y, loss, fused)


def _exact_everywhere(problem: Problem) -> None:
    """Every entry of every gradient, against the derivation, in units of rounding."""
    evaluation, noise = evaluation_of(problem), rounding_noise(problem)
    for node, gradient in evaluation.nodes.items():
        if "/dE_d" not in node:
            continue
        found = np.zeros(gradient.shape)
        for index in np.ndindex(gradient.shape):
            unit = np.zeros(gradient.shape)
            unit[index] = 1
            found[index] = directional_derivative(problem, variable_of(node), unit)
        assert noise.distance(node, found - gradient).max() <= noise.gate, node


@pytest.mark.parametrize(("name", "from_logits", "output"), ENDINGS)
@pytest.mark.parametrize("fused", [None, False])
def test_it_is_exact_for_every_loss(name: str, from_logits: bool, output: str, fused: bool | None) -> None:
    _exact_everywhere(_problem(Loss(name, from_logits), output, fused=fused))


@pytest.mark.parametrize("name", [a.name for a in ACTIVATIONS.values() if a.backward is not None])
def test_it_is_exact_for_every_activation(name: str) -> None:
    _exact_everywhere(_problem(Loss("mse"), name, hidden=name))


@pytest.mark.parametrize("fused", [None, False])
def test_it_is_exact_where_samples_are_weighed(fused: bool | None) -> None:
    problem = _problem(Loss("categorical_crossentropy"), "softmax", fused=fused)
    _exact_everywhere(dataclasses.replace(problem, sample_weight=np.array([2.0, 0, 0.1, 1, 7, 0.5])))


def test_a_planted_billionth_is_seen() -> None:
    """The test of the test: the comparison above can fail."""
    problem = _problem(Loss("mse"), "linear")
    noise, gradient = rounding_noise(problem), evaluation_of(problem).nodes["dense_1/dE_dkernel"]
    assert noise.distance("dense_1/dE_dkernel", 1e-9 * gradient).max() > noise.gate


def test_a_float32_problem_is_asked_in_float64() -> None:
    problem = _problem(Loss("mse"), "linear")
    small = dataclasses.replace(
        problem,
        parameters={n: a.astype("f4") for n, a in problem.parameters.items()},
        x=problem.x.astype("f4"),
        y=problem.y.astype("f4"),
    )
    direction = np.ones((3, 4))
    assert directional_derivative(small, "dense_1/kernel", direction) == directional_derivative(
        small.float64, "dense_1/kernel", direction
    )


def test_it_knows_nothing_of_any_backward_formula(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _problem(Loss("categorical_crossentropy"), "softmax")
    direction = np.ones((3, 4))
    before = directional_derivative(problem, "dense_1/kernel", direction)
    for name, record in list(ACTIVATIONS.items()):
        monkeypatch.setitem(ACTIVATIONS, name, dataclasses.replace(record, backward=lambda g, read, out=None: 7 * g))
    function = LOSSES["categorical_crossentropy"]
    plain, logits = (
        dataclasses.replace(function.form(from_logits), gradient=lambda *_: 1 / 0) for from_logits in (False, True)
    )
    broken = dataclasses.replace(function, plain=plain, logits=logits)
    monkeypatch.setitem(LOSSES, "categorical_crossentropy", broken)
    assert activation("tanh").backward is not None
    assert directional_derivative(problem, "dense_1/kernel", direction) == before


def test_a_derivation_broken_at_its_root_is_convicted_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine's own tanh′ is wrong, so that σ, float64 derivation and hand all agree: only the witness objects."""
    problem = _problem(Loss("mse"), "linear")
    right = evaluation_of(problem)
    wrong = dataclasses.replace(ACTIVATIONS["tanh"], backward=lambda g, z, out=None: g * (1 - z))
    monkeypatch.setitem(ACTIVATIONS, "tanh", wrong)
    diff = compare(evaluation_of(problem).gradients, right)
    assert diff["dense_1/kernel"].status is Status.MISMATCH
    assert diff["dense_2/kernel"].status is Status.MATCH


def test_where_the_witness_has_contradicted_the_derivation_nobody_else_is_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    problem = _problem(Loss("mse"), "linear")
    right = evaluation_of(problem)
    wrong = dataclasses.replace(ACTIVATIONS["tanh"], backward=lambda g, z, out=None: g * (1 - z))
    monkeypatch.setitem(ACTIVATIONS, "tanh", wrong)
    monkeypatch.setattr("gradient_diff.judging.trial.PASSES", 1)  # one question only, and the derivation for the rest
    diff = compare(evaluation_of(problem).gradients, right)
    assert diff["dense_1/kernel"].status is Status.MISMATCH
    assert diff["dense_1/bias"].status is Status.DIFFERENT
    assert diff["dense_1/bias"].reason.endswith("the witness contradicts the derivation elsewhere")


@pytest.mark.parametrize("u", [0.0, 1e-12, -1e-12])
def test_at_a_kink_it_takes_the_forwards_own_branch(u: float) -> None:
    mlp = MLP(1, [Dense(1, "relu", use_bias=False), Dense(1, use_bias=False)])
    w = {"dense_1/kernel": np.array([[1.0]]), "dense_2/kernel": np.array([[2.0]])}
    problem = mlp.problem(w, np.array([[u]]), np.array([[1.0]]), "half_sum_squared_error")
    slope = directional_derivative(problem, "dense_1/u", np.ones((1, 1)))
    assert slope == pytest.approx(2 * (2 * u - 1) if u > 0 else 0)


def test_a_saturated_function_keeps_its_imaginary_part() -> None:
    mlp = MLP(1, [Dense(1, "tanh", use_bias=False)])
    problem = mlp.problem({"dense_1/kernel": np.array([[1.0]])}, np.array([[30.0]]), np.zeros((1, 1)), "mse")
    expected = 2 * 4 * np.exp(-60.0)  # tanh′ = 4 e⁻²ᵘ out there, where 1 − z² is 0 to every bit
    assert directional_derivative(problem, "dense_1/u", np.ones((1, 1))) == pytest.approx(expected, rel=1e-6)


def test_a_name_outside_the_forward_pass_is_refused() -> None:
    with pytest.raises(KeyError, match=r"'dense_1/dE_du' is not in the forward pass: x, y, dense_1/kernel"):
        directional_derivative(_problem(Loss("mse"), "linear"), "dense_1/dE_du", np.ones(1))


# testimony


def test_the_largest_disagreements_are_asked_first_and_one_direction_through_all() -> None:
    problem = _problem(Loss("mse"), "linear")
    difference = np.zeros((3, 4))
    difference[2, 1], difference[0, 3], difference[1, 1] = -5, 3, 1
    testimony = witness.testify(problem, "dense_1/dE_dkernel", difference, passes=4)
    truth = evaluation_of(problem).nodes["dense_1/dE_dkernel"]
    assert testimony.indices == ((2, 1), (0, 3), (1, 1))
    assert testimony.truth == pytest.approx([truth[i] for i in testimony.indices], rel=1e-12)
    assert testimony.direction is not None
    assert [testimony.direction[i] for i in testimony.indices] == [-1, 1, 1]
    assert set(np.unique(testimony.direction)) == {-1, 1}  # random where there is no difference
    assert testimony.along == pytest.approx(float((truth * testimony.direction).sum()), rel=1e-12)
    assert testimony.passes == 4


def test_small_arrays_are_asked_entry_by_entry() -> None:
    testimony = witness.testify(
        _problem(Loss("mse"), "linear"), "dense_2/dE_dbias", np.array([1.0, 2.0, 3.0]), passes=5
    )
    assert (testimony.indices, testimony.direction, testimony.passes) == (((2,), (1,), (0,)), None, 3)


def test_an_error_spread_thinly_is_seen_along_the_direction_alone() -> None:
    """Half the tolerance at the entries asked, twice the tolerance at all others."""
    truth = np.ones(100)
    limit = np.full(100, 0.1)
    direction = np.ones(100)
    testimony = witness.Testimony(((0,), (1,)), (1.0, 1.0), direction, 100.0, 3)
    side = truth + 0.2
    side[:2] = 1.05
    assert testimony.distance(side, limit) > 1
    assert dataclasses.replace(testimony, direction=None).distance(side, limit) == pytest.approx(0.5)


def test_along_the_direction_it_never_cries_wolf() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        truth, limit = rng.normal(size=50), rng.random(50)
        side = truth + limit * rng.uniform(-1, 1, 50)
        direction = np.sign(side - truth)
        testimony = witness.Testimony((), (), direction, float((truth * direction).sum()), 1)
        assert testimony.distance(side, limit) <= 1 + 1e-12


def test_where_nothing_may_differ_any_difference_is_far() -> None:
    assert witness.Testimony(((0,),), (0.0,)).distance(np.array([1e-9]), np.zeros(1)) > 1e280
    assert witness.Testimony(((0,),), (0.0,)).distance(np.zeros(1), np.zeros(1)) == 0


def test_largest_takes_what_there_is() -> None:
    assert largest(np.array(-2.0), 4) == ((),)
    assert largest(np.array([1.0, -1.0, 2.0]), 2) == ((2,), (0,))  # the first of equals


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names that the witness was asked about."""
    asked: list[str] = []
    plain = witness.directional_derivative

    def counted(problem: Problem, name: str, direction: Array) -> float:
        asked.append(name)
        return plain(problem, name, direction)

    monkeypatch.setattr(witness, "directional_derivative", counted)
    return asked


@pytest.mark.parametrize("layers", [1, 3, 8, 20])
def test_forward_passes_stay_under_the_cap_at_any_size(layers: int, passes: list[str]) -> None:
    mlp = MLP(3, [Dense(4, "tanh")] * layers + [Dense(2)])
    rng = np.random.default_rng(0)
    e = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")
    diff = compare({n: 2 * g for n, g in e.gradients.items()}, e)
    assert {row.status for row in diff.rows} == {Status.MISMATCH}
    assert 2 * (layers + 1) <= len(passes) or layers == 20
    assert len(passes) <= PASSES


def test_every_row_that_is_off_is_asked_about_while_passes_last(passes: list[str]) -> None:
    mlp = MLP(3, [Dense(4, "tanh")] * 5 + [Dense(2)])
    rng = np.random.default_rng(0)
    e = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")
    compare({n: 2 * g for n, g in e.gradients.items()}, e)
    assert set(passes) == set(e.gradients)


def test_a_pass_is_one_run_of_the_forward_equations(monkeypatch: pytest.MonkeyPatch) -> None:
    problem = _problem(Loss("mse"), "linear")
    evaluated: list[str] = []
    plain: Callable[..., Array] = Equation.evaluate
    monkeypatch.setattr(Equation, "evaluate", lambda self, env: evaluated.append(self.node) or plain(self, env))
    directional_derivative(problem, "x", np.ones((6, 3)))
    assert evaluated == problem.forward_nodes


def test_no_witness_is_called_where_all_is_well(passes: list[str]) -> None:
    e = evaluation_of(_problem(Loss("mse"), "linear"))
    assert compare({n: np.nextafter(g, 9) for n, g in e.gradients.items()}, e).ok
    assert passes == []


@pytest.mark.parametrize("name", ["dense_1/kernel", "dense_2/kernel", "dropout_1/z", "activation_1/z", "x"])
def test_it_goes_through_masks_and_knows_the_decay(name: str) -> None:
    layers = [Dense(4, kernel_l2=0.25), Activation("tanh"), Dropout(0.5), Dense(2, kernel_l2=0.5)]
    mlp, rng = MLP(3, layers), np.random.default_rng(0)
    data = rng.normal(size=(5, 3)), rng.normal(size=(5, 2))
    e = mlp.backpropagate(mlp.initialize(0), *data, "mse", mlp.draws(0, 5))
    nodes = {"x": "inputs/dE_dx", **{f"dense_{i}/kernel": f"dense_{i}/dE_dkernel" for i in (1, 2)}}
    gradient = e.nodes[nodes.get(name, name.replace("/z", "/dE_dz"))]
    direction = rng.normal(size=gradient.shape)
    along = float((gradient * direction).sum())
    # a dozen roundings of each of at most 20 terms
    assert directional_derivative(e.problem, name, direction) == pytest.approx(along, rel=1e-12)
