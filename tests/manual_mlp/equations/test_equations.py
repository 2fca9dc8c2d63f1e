from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_mlp import MLP, Array, Dense, Equation, Evaluation, Problem, ShapeError
from manual_mlp.equations.equations import evaluate, infer_shapes, symbol
from manual_mlp.equations.operations import Activate, Product

Problems = Callable[..., st.SearchStrategy[Problem]]
EXAMPLES = settings(deadline=None, max_examples=60, derandomize=True)


def written(mlp: MLP, loss: str, fused: bool | None = None) -> list[str]:
    return [f"{e.node} | {e.formula}" for e in mlp.equations(loss, fused)]


def test_the_derivation_of_two_layers_as_a_book_prints_it() -> None:
    assert written(MLP(3, [Dense(4, "sigmoid"), Dense(2, use_bias=False)]), "quadratic_cost") == [
        "dense_1/u | u = x W + b",
        "dense_1/z | z = 1/(1 + exp(−u))",
        "dense_2/u | u = z_prev W",
        "dense_2/z | z = u",
        "loss | E = 1/(2N) Σ_n Σ_k (z − y)²",
        "dense_2/dE_dz | dE/dz = 1/N (z − y)",
        "dense_2/dE_du | δ = dE/dz",
        "dense_2/dE_dkernel | dE/dW = z_prevᵀ δ",
        "dense_1/dE_dz | dE/dz_prev = δ Wᵀ",
        "dense_1/dE_du | δ = dE/dz ⊙ z(1 − z)",
        "dense_1/dE_dkernel | dE/dW = xᵀ δ",
        "dense_1/dE_dbias | dE/db = Σ_N δ",
        "inputs/dE_dx | dE/dx = δ Wᵀ",
    ]


def test_a_fused_output_goes_straight_to_delta() -> None:
    assert written(MLP(3, [Dense(2, "softmax")]), "categorical_crossentropy")[2:4] == [
        "loss | E = 1/N Σ_n Σ_k y (log Σ_j exp u_j − u)",
        "dense_1/dE_du | δ = 1/N (softmax(u) Σ_k y − y)",
    ]
    assert written(MLP(3, [Dense(2, "softmax")]), "categorical_crossentropy", fused=False)[2:5] == [
        "loss | E = −1/N Σ_n Σ_k y log(z/Σ_k z)",
        "dense_1/dE_dz | dE/dz = 1/N (Σ_k y/Σ_k z − y/z)",
        "dense_1/dE_du | δ = z ⊙ (dE/dz − Σ_k dE/dz z)",
    ]


@pytest.mark.parametrize(
    ("name", "layer", "letter"),
    [
        ("x", "dense_1", "x"),
        ("y", "dense_1", "y"),
        ("loss", "dense_1", "E"),
        ("dense_2/z", "dense_2", "z"),
        ("dense_1/z", "dense_2", "z_prev"),
        ("dense_1/dE_dz", "dense_2", "dE/dz_prev"),
        ("dense_2/dE_du", "dense_2", "δ"),
        ("dense_2/kernel", "dense_2", "W"),
        ("dense_2/bias", "dense_2", "b"),
        ("dense_2/dE_dkernel", "dense_2", "dE/dW"),
        ("dense_2/dE_dbias", "dense_2", "dE/db"),
        ("inputs/dE_dx", "dense_1", "dE/dx"),
        ("dense_1/gamma", "dense_1", "γ"),
    ],
)
def test_letters(name: str, layer: str, letter: str) -> None:
    assert symbol(name, layer) == letter


def test_evaluation_reads_earlier_nodes_and_changes_nothing() -> None:
    equations = [
        Equation("a", "a/u", Product(), ("x", "a/kernel")),
        Equation("a", "a/z", Activate("relu"), ("a/u",)),
    ]
    environment = {"x": np.array([[1.0, 2.0]]), "a/kernel": np.array([[3.0, -3.0], [1.0, 1.0]])}
    nodes = evaluate(equations, environment)
    assert {name: array.tolist() for name, array in nodes.items()} == {"a/u": [[5, -1]], "a/z": [[5, 0]]}
    assert list(environment) == ["x", "a/kernel"]


def test_a_clash_names_layer_equation_and_both_sides() -> None:
    equations = MLP(3, [Dense(2), Dense(4)]).forward_equations
    shapes = MLP(3, [Dense(2), Dense(4)]).leaf_shapes("N") | {"dense_2/kernel": (3, 4)}
    with pytest.raises(ShapeError) as error:
        infer_shapes(equations, shapes)
    assert str(error.value) == (
        "dense_2: u = z_prev W + b   (N, 2) @ (3, 4) + (4,) → none: the inner dimensions 2 and 3 differ"
    )
    assert error.value.__cause__ is None
    assert error.value.__suppress_context__


def test_shapes_are_written_with_their_result() -> None:
    mlp = MLP(3, [Dense(2)])
    shapes = infer_shapes(mlp.equations("mse"), mlp.leaf_shapes(100))
    assert [e.render_shapes(shapes) for e in mlp.equations("mse")] == [
        "(100, 3) @ (3, 2) + (2,) → (100, 2)",
        "f(100, 2) → (100, 2)",
        "(100, 2), (100, 2) → ()",
        "(100, 2), (100, 2) → (100, 2)",
        "(100, 2) ⊙ f′(100, 2) → (100, 2)",
        "(100, 3)ᵀ @ (100, 2) → (3, 2)",
        "Σ_N (100, 2) → (2,)",
        "(100, 2) @ (3, 2)ᵀ → (100, 3)",
    ]


# of every network


def live_shapes(problem: Problem) -> dict[str, tuple[int, ...]]:
    known = problem.environment | evaluate(problem.equations, problem.environment)
    return {name: array.shape for name, array in known.items()}


@given(data=st.data())
@EXAMPLES
def test_the_inferred_shapes_are_those_of_the_arrays(problems: Problems, data: st.DataObject) -> None:
    problem = data.draw(problems(weighted=True))
    leaves = problem.mlp.leaf_shapes(problem.batch, problem.loss, weighted=problem.sample_weight is not None)
    assert infer_shapes(problem.equations, leaves) == live_shapes(problem)


def assert_defined_before_use(equations: tuple[Equation, ...], leaves: set[str]) -> None:
    known = set(leaves)
    for equation in equations:
        assert set(equation.operands) <= known, f"{equation.node} reads what is not there yet"
        assert equation.node not in known, f"{equation.node} is defined twice"
        known.add(equation.node)


@given(data=st.data())
@EXAMPLES
def test_operands_are_defined_before_use_and_nodes_once(problems: Problems, data: st.DataObject) -> None:
    problem = data.draw(problems(weighted=True))
    assert_defined_before_use(problem.equations, set(problem.environment))


def test_an_equation_out_of_order_would_be_seen(evaluation: Evaluation) -> None:
    problem = evaluation.problem
    with pytest.raises(AssertionError, match="reads what is not there yet"):
        assert_defined_before_use(problem.equations[::-1], set(problem.environment))
    with pytest.raises(AssertionError, match="defined twice"):
        assert_defined_before_use(problem.equations + problem.equations[-1:], set(problem.environment))


@given(data=st.data())
@EXAMPLES
def test_letters_and_numbers_agree(problems: Problems, data: st.DataObject) -> None:
    problem = data.draw(problems(weighted=True))
    mlp = problem.mlp
    leaves = mlp.leaf_shapes("N", problem.loss, letters=True, weighted=problem.sample_weight is not None)
    letters = infer_shapes(problem.equations, leaves)
    widths = (mlp.inputs, *mlp.units)
    number: dict[Any, int] = {"N": problem.batch, **dict(zip(["n₀", "n₁", "n₂", "n₃", "n₄"], widths, strict=False))}
    assert {name: tuple(number[d] for d in shape) for name, shape in letters.items()} == live_shapes(problem)


@given(data=st.data())
@EXAMPLES
def test_every_dtype_stays_what_it_is(problems: Problems, data: st.DataObject) -> None:
    problem = data.draw(problems(data.draw(st.sampled_from([np.float32, np.float64])), weighted=True))
    nodes: dict[str, Array] = evaluate(problem.equations, problem.environment)
    assert {array.dtype for array in nodes.values()} == {problem.dtype}
