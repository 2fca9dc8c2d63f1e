from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.students.slips import Slip
from gradient_diff import MISTAKES, GradientDiff, Status, compare
from manual_mlp import MLP, Array, Dense, Problem, evaluation_of
from manual_mlp.extend import activation

IDS = (
    "derivative_sign",
    "missing_derivative",
    "output_derivative_dropped",
    "derivative_at_output",
    "derivative_wrong",
    "wrong_layer_derivative",
    "local_replaces_upstream",
    "relu_mask",
)


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("name", IDS)
def test_a_wrong_derivative_is_named(name: str, rightly_named: Callable[[str], None]) -> None:
    rightly_named(name)


@pytest.mark.parametrize(("layer", "right"), [(0, "z(1 − z)"), (1, "(1 − z²)")])
def test_the_layer_and_both_equations_are_given(
    layer: int, right: str, problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    cause = diff(problem("classes"), Slip("missing_derivative", layer)).causes[0]
    assert (cause.layer, cause.written) == (f"dense_{layer + 1}", "δ = dE/dz")
    assert cause.right == f"δ = dE/dz ⊙ {right}"


def test_a_slip_in_every_hidden_layer_is_one_cause(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    causes = diff(problem("classes"), Slip("missing_derivative", form="hidden")).causes
    assert [(cause.id, cause.layer) for cause in causes] == [("missing_derivative", "")]


def test_article_c_leaves_out_the_derivative_of_a_sigmoid_output(
    problem: Callable[..., Problem], diff: Callable[..., GradientDiff]
) -> None:
    cause = diff(problem("sigmoid output"), Slip("output_derivative_dropped")).causes[0]
    assert (cause.id, cause.layer) == ("output_derivative_dropped", "dense_3")


def test_a_derivative_written_through_z_is_right(
    problem: Callable[..., Problem], hand: Callable[..., dict[str, np.ndarray]]
) -> None:
    """The independent derivation writes σ′ as z(1 − z) and tanh′ as 1 − z², and cross-entropy without σ′."""
    for net in ("regression", "classes", "yes or no", "sigmoid output", "logits"):
        for dtype in ("float64", "float32"):
            known = problem(net, dtype)
            result = compare(hand(known), evaluation_of(known))
            assert (result.verdict, result.causes) == (Status.MATCH, ())


def test_another_subgradient_at_a_kink_is_no_mistake() -> None:
    mlp = MLP(1, [Dense(2, "relu"), Dense(1)])
    w = mlp.initialize(0)
    problem = mlp.problem(w, np.array([[0.0], [1.0]]), np.ones((2, 1)), "mse")  # u is exactly 0 for the first sample
    e = evaluation_of(problem)
    delta = e.nodes["dense_1/dE_dz"] * (e.nodes["dense_1/u"] >= 0)
    mine = {**e.gradients, "dense_1/kernel": problem.x.T @ delta, "dense_1/bias": delta.sum(axis=0)}
    result = compare(mine, e)
    assert (result.verdict, result.causes) == (Status.KINK, ())


@pytest.mark.parametrize(
    ("kinds", "title", "cure"),
    [
        (("sigmoid", "sigmoid"), "f′ is not sigmoid′ = z(1 − z)", "sigmoid′(u) is z(1 − z)."),
        (("tanh", "tanh"), "f′ is not tanh′ = 1 − z²", "tanh′(u) is 1 − z²."),
        (("gelu", "gelu"), "f′ is not that of gelu", "δ = dE/dz ⊙ f′(u), with f′ of gelu."),
        (("sigmoid", "tanh"), "f′ is not the derivative of f", MISTAKES["derivative_wrong"].cure),
    ],
)
def test_it_says_of_which_function_and_what_is_expected(kinds: tuple[str, str], title: str, cure: str) -> None:
    """δ = dE/dz ⊙ z in both hidden layers, of gelu dE/dz ⊙ silu′(u); of two activations no title fits both."""
    mlp, rng = MLP(4, [*(Dense(5, kind) for kind in kinds), Dense(2)]), np.random.default_rng(0)
    right = mlp.backpropagate(mlp.initialize(rng), *(rng.normal(size=(7, n)) for n in (4, 2)), "mse")
    parameters, nodes = right.problem.parameters, right.nodes

    def wrong(name: str, kind: str) -> Array:
        return activation("silu").backward(1.0, nodes[f"{name}/u"]) if kind == "gelu" else nodes[f"{name}/z"]

    d3 = nodes["dense_3/dE_du"]
    d2 = d3 @ parameters["dense_3/kernel"].T * wrong("dense_2", kinds[1])
    d1 = d2 @ parameters["dense_2/kernel"].T * wrong("dense_1", kinds[0])
    zs = right.problem.x, nodes["dense_1/z"], nodes["dense_2/z"]
    hand = [a for z, d in zip(zs, (d1, d2, d3), strict=True) for a in (z.T @ d, d.sum(axis=0))]
    (cause,) = compare(dict(zip(right.gradients, hand, strict=True)), right).causes
    assert (cause.id, cause.title, cause.cure) == ("derivative_wrong", title, cure)
    assert cause.message.endswith(cure)
