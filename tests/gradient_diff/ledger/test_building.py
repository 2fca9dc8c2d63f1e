import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_diff import Ledger, ledger
from gradient_diff.ledger.building import live_ledger
from manual_mlp import MLP, Dense, Evaluation

TWO = MLP(1, [Dense(5, "sigmoid"), Dense(5, "sigmoid"), Dense(1)])


def test_the_line_of_the_house_plan() -> None:
    line = next(x for x in ledger(TWO, "half_sum_squared_error", 100) if x.node == "dense_2/dE_dkernel")
    assert str(line) == "dense_2  dE/dW = z_prevᵀ δ   (100, 5)ᵀ @ (100, 5) → (5, 5)   kernel (5, 5)   fits"


def test_a_whole_ledger_by_heart() -> None:
    assert [str(line) for line in ledger(MLP(3, [Dense(2, "tanh")]), "mse", 4)] == [
        "dense_1  u = x W + b   (4, 3) @ (3, 2) + (2,) → (4, 2)   fits",
        "dense_1  z = tanh(u)   f(4, 2) → (4, 2)   fits",
        "dense_1  E = 1/(N·K) Σ_n Σ_k (z − y)²   (4, 2), (4, 2) → ()   fits",
        "dense_1  dE/dz = 2/(N·K) (z − y)   (4, 2), (4, 2) → (4, 2)   z (4, 2)   fits",
        "dense_1  δ = dE/dz ⊙ (1 − z²)   (4, 2) ⊙ f′(4, 2) → (4, 2)   u (4, 2)   fits",
        "dense_1  dE/dW = xᵀ δ   (4, 3)ᵀ @ (4, 2) → (3, 2)   kernel (3, 2)   fits",
        "dense_1  dE/db = Σ_N δ   Σ_N (4, 2) → (2,)   bias (2,)   fits",
        "dense_1  dE/dx = δ Wᵀ   (4, 2) @ (3, 2)ᵀ → (4, 3)   x (4, 3)   fits",
    ]


def test_the_batch_may_stay_a_letter() -> None:
    lines = [str(line) for line in ledger(MLP(3, [Dense(2)]), "mse")]
    assert "dense_1  dE/dW = xᵀ δ   (N, 3)ᵀ @ (N, 2) → (3, 2)   kernel (3, 2)   fits" in lines


def test_every_equation_has_its_line_in_order() -> None:
    assert [line.node for line in ledger(TWO, "mse")] == [e.node for e in TWO.equations("mse")]


def test_class_indices_and_fused_outputs() -> None:
    mlp = MLP(3, [Dense(4, "softmax")])
    lines = ledger(mlp, "sparse_categorical_crossentropy", 5)
    assert all(line.fits for line in lines)
    assert "(5, 4), (5,) → ()" in [line.shapes for line in lines]
    assert "dense_1/dE_dz" not in [line.node for line in lines]


def test_live_arrays_that_fit(evaluation: Evaluation) -> None:
    lines = live_ledger(evaluation.problem, evaluation.nodes)
    assert len(lines) == len(evaluation.nodes)
    assert all(line.fits and not line.clash for line in lines)


@pytest.mark.parametrize(
    ("shape", "clash"),
    [
        ((5, 3), "given (5, 3): the transpose"),
        ((3, 1), "given (3, 1)"),
        ((7, 3, 5), "given (7, 3, 5)"),
        ((), "given ()"),
    ],
)
def test_a_live_array_of_another_shape_does_not_fit(evaluation: Evaluation, shape: tuple[int, ...], clash: str) -> None:
    lines = live_ledger(evaluation.problem, {"dense_1/kernel": np.zeros(shape)})
    off = [line for line in lines if not line.fits]
    assert [(line.node, line.clash) for line in off] == [("dense_1/dE_dkernel", clash)]
    assert str(off[0]).endswith(f"kernel (3, 5)   {clash}")


def test_a_column_is_not_a_vector(evaluation: Evaluation) -> None:
    lines = live_ledger(evaluation.problem, {"dense_1/bias": np.zeros((5, 1))})
    assert [line.clash for line in lines if not line.fits] == ["given (5, 1)"]


def test_a_transposed_parameter_is_a_clash_with_its_reason(evaluation: Evaluation) -> None:
    parameters = dict(evaluation.problem.parameters)
    parameters["dense_1/kernel"] = parameters["dense_1/kernel"].T
    problem = dataclasses.replace(evaluation.problem, parameters=parameters)
    first = live_ledger(problem, {})[0]
    assert not first.fits
    assert "the inner dimensions 3 and 5 differ" in first.clash


# symbols, letters and numbers


def test_the_line_of_the_issue() -> None:
    line = ledger(TWO, "half_sum_squared_error", 100).of("dense_2/kernel")[0]
    assert line.equation == "dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾   (n₁, N)(N, n₂) → (n₁, n₂)   (5, 100)(100, 5) → (5, 5)"


def test_a_whole_ledger_in_letters_and_numbers_by_heart() -> None:
    mlp = MLP(7, [Dense(5, "tanh"), Dense(3, "softmax")])
    assert [line.equation for line in ledger(mlp, "categorical_crossentropy", 2)] == [
        "u⁽¹⁾ = x W⁽¹⁾ + b⁽¹⁾   (N, n₀)(n₀, n₁) + (n₁,) → (N, n₁)   (2, 7)(7, 5) + (5,) → (2, 5)",
        "z⁽¹⁾ = tanh(u⁽¹⁾)   f(N, n₁) → (N, n₁)   f(2, 5) → (2, 5)",
        "u⁽²⁾ = z⁽¹⁾ W⁽²⁾ + b⁽²⁾   (N, n₁)(n₁, n₂) + (n₂,) → (N, n₂)   (2, 5)(5, 3) + (3,) → (2, 3)",
        "z⁽²⁾ = softmax(u⁽²⁾)   f(N, n₂) → (N, n₂)   f(2, 3) → (2, 3)",
        "E = 1/N Σ_n Σ_k y (log Σ_j exp u⁽²⁾_j − u⁽²⁾)   (N, n₂), (N, n₂) → ()   (2, 3), (2, 3) → ()",
        "δ⁽²⁾ = 1/N (softmax(u⁽²⁾) Σ_k y − y)   (N, n₂), (N, n₂) → (N, n₂)   (2, 3), (2, 3) → (2, 3)",
        "dE/dW⁽²⁾ = z⁽¹⁾ᵀ δ⁽²⁾   (n₁, N)(N, n₂) → (n₁, n₂)   (5, 2)(2, 3) → (5, 3)",
        "dE/db⁽²⁾ = Σ_N δ⁽²⁾   Σ_N (N, n₂) → (n₂,)   Σ_N (2, 3) → (3,)",
        "dE/dz⁽¹⁾ = δ⁽²⁾ W⁽²⁾ᵀ   (N, n₂)(n₂, n₁) → (N, n₁)   (2, 3)(3, 5) → (2, 5)",
        "δ⁽¹⁾ = dE/dz⁽¹⁾ ⊙ (1 − (z⁽¹⁾)²)   (N, n₁) ⊙ f′(N, n₁) → (N, n₁)   (2, 5) ⊙ f′(2, 5) → (2, 5)",
        "dE/dW⁽¹⁾ = xᵀ δ⁽¹⁾   (n₀, N)(N, n₁) → (n₀, n₁)   (7, 2)(2, 5) → (7, 5)",
        "dE/db⁽¹⁾ = Σ_N δ⁽¹⁾   Σ_N (N, n₁) → (n₁,)   Σ_N (2, 5) → (5,)",
        "dE/dx = δ⁽¹⁾ W⁽¹⁾ᵀ   (N, n₁)(n₁, n₀) → (N, n₀)   (2, 5)(5, 7) → (2, 7)",
    ]


def test_twelve_layers_have_two_digits() -> None:
    line = ledger(MLP(1, [Dense(1)] * 12), "mse").of("dense_12/kernel")[0]
    assert line.symbolic == "dE/dW⁽¹²⁾ = z⁽¹¹⁾ᵀ δ⁽¹²⁾"
    assert line.letters == "(n₁₁, N)(N, n₁₂) → (n₁₁, n₁₂)"


@given(
    widths=st.lists(st.integers(1, 9), min_size=2, max_size=5),
    batch=st.integers(1, 9),
    name=st.sampled_from(["tanh", "sigmoid", "relu", "linear"]),
    bias=st.booleans(),
)
def test_the_numbers_are_those_of_the_arrays(widths: list[int], batch: int, name: str, bias: bool) -> None:
    mlp = MLP(widths[0], [Dense(n, name, bias) for n in widths[1:]])
    x, y = np.ones((batch, widths[0])), np.ones((batch, widths[-1]))
    nodes = mlp.backpropagate(mlp.initialize(0), x, y, "mse").nodes
    book = ledger(mlp, "mse", batch)
    assert [line.node for line in book] == list(nodes)
    for line in book:
        assert line.boxes[-1].shape == nodes[line.node].shape
        assert line.numbers.endswith(f"→ {nodes[line.node].shape}")
        if line.signs[0] == "@":
            assert line.boxes[0].shape[1] == line.boxes[1].shape[0]
            assert line.boxes[0].letters[1] == line.boxes[1].letters[0]


# what is really there


def test_one_clash_stays_one_and_says_where() -> None:
    book = ledger(MLP(7, [Dense(5, "tanh"), Dense(3)]), "mse", 2, shapes={"dense_2/kernel": (3, 5)})
    off = {line.node: line.clash for line in book if not line.fits}
    assert off == {
        "dense_2/u": "the inner dimensions 5 and 3 differ",
        "dense_2/dE_dkernel": "differs from kernel (3, 5)",
        "dense_1/dE_dz": "the inner dimensions 3 and 5 differ",
    }
    line = book.of("dense_2/u")[0]
    assert line.numbers == "(2, 5)(3, 5) + (3,) → ✗"
    assert [box.clash for box in line.boxes] == [(1,), (0,), (), ()]
    assert line.boxes[1].letters == ()  # n₁ is 5, not 3
    assert line.boxes[-1].shape is None


@pytest.mark.parametrize(
    ("shapes", "node", "clashes"),
    [
        ({"dense_1/bias": (2,)}, "dense_1/u", [(), (), (0,), ()]),
        ({"dense_1/kernel": (7,)}, "dense_1/u", [(), (0,), (), ()]),
        ({"y": (3, 2)}, "loss", [(0, 1), (0, 1), ()]),
        ({"y": (2,)}, "loss", [(0, 1), (0,), ()]),
        ({"dense_1/dE_dbias": (2, 5)}, "dense_1/dE_dbias", [(), (0, 1)]),
        ({"dense_1/dE_dkernel": (5, 7)}, "dense_1/dE_dkernel", [(), (), (0, 1)]),
        ({"dense_2/dE_dkernel": (5, 2)}, "dense_2/dE_dkernel", [(), (), (1,)]),
    ],
)
def test_what_clashes_is_marked_and_nothing_else(
    shapes: dict[str, tuple[int, ...]], node: str, clashes: list[tuple[int, ...]]
) -> None:
    book = ledger(MLP(7, [Dense(5, "tanh"), Dense(3)]), "mse", 2, shapes=shapes)
    assert [box.clash for box in book.of(node)[0].boxes] == clashes
    clean = ledger(MLP(7, [Dense(5, "tanh"), Dense(3)]), "mse", 2)
    assert clean.fits
    assert not any(box.clash for line in clean for box in line.boxes)


def test_live_arrays_may_be_given_in_place_of_shapes() -> None:
    mlp = MLP(7, [Dense(5)])
    arrays = ledger(mlp, "mse", 2, shapes={"x": np.ones((2, 7)), "dense_1/kernel": np.ones((5, 7))})
    assert arrays == ledger(mlp, "mse", 2, shapes={"dense_1/kernel": (5, 7)})


def test_shapes_of_something_else_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^shapes= names dense_2/kernel, which this network has not: x, y, dense_1/"):
        ledger(MLP(7, [Dense(5)]), "mse", shapes={"dense_2/kernel": (5, 7)})


# the ledger as a whole


def test_a_ledger_is_a_sequence() -> None:
    book = ledger(TWO, "mse", 100)
    assert book.lines[-1] is book[-1]
    assert book[:2] == book.lines[:2]
    assert next(reversed(book)) is book[-1]
    assert not Ledger()


def test_lines_are_chosen_by_node_or_by_parameter() -> None:
    book = ledger(TWO, "mse", 100)
    chosen = book.of("dense_2/bias", "dense_1/u")
    assert [line.node for line in chosen] == ["dense_1/u", "dense_2/dE_dbias"]
    assert chosen.title == book.title
    with pytest.raises(KeyError, match=r"dense_9/dE_dkernel is no line of this ledger\. Lines: dense_1/u"):
        book.of("dense_9/kernel")


def test_equal_lengths_that_meet_are_named_and_others_are_not() -> None:
    assert ledger(TWO, "mse", 100).advice.startswith("n₁ = n₂ = 5: there a matrix fits either way round")
    assert ledger(MLP(7, [Dense(5), Dense(3)]), "mse", 5).advice.startswith("N = n₁ = 5: ")
    assert "pairwise different primes" in ledger(TWO, "mse", 5).advice
    assert ledger(MLP(7, [Dense(5), Dense(7)]), "mse", 2).advice == ""  # n₀ and n₂ never meet
    assert ledger(MLP(7, [Dense(5), Dense(3)]), "mse").advice == ""


def test_what_an_equation_gives_goes_on_into_the_next() -> None:
    book = ledger(MLP(7, [Dense(5, "tanh"), Dense(3)]), "mse", 2, shapes={"x": (4, 7)})
    assert book.of("dense_2/u")[0].numbers == "(4, 5)(5, 3) + (3,) → (4, 3)"
    assert next(line.node for line in book if not line.fits) == "loss"  # y still has two samples


def test_weights_of_the_samples_stand_beside_the_targets() -> None:
    book = ledger(MLP(3, [Dense(2)]), "mse", 4, shapes={"sample_weight": (4,)})
    assert str(book[2]) == "dense_1  E = 1/(N·K) Σ_n w_n Σ_k (z − y)²   (4, 2), (4, 2), (4,) → ()   fits"
    assert str(book[3]).startswith("dense_1  dE/dz = w_n · 2/(N·K) (z − y)   (4, 2), (4, 2), (4,) → (4, 2)")
    assert book.fits
    off = ledger(MLP(3, [Dense(2)]), "mse", 4, shapes={"sample_weight": (3,)})
    assert [(line.node, line.clash) for line in off if not line.fits] == [
        ("loss", "one weight per sample is (4,)"),
        ("dense_1/dE_dz", "one weight per sample is (4,)"),
    ]


def test_the_live_ledger_of_a_weighted_problem(evaluation: Evaluation) -> None:
    weights = np.ones(evaluation.problem.batch)
    problem = dataclasses.replace(evaluation.problem, sample_weight=weights)
    assert live_ledger(problem, evaluation.nodes).fits
    assert "w_n" in str(live_ledger(problem, evaluation.nodes))
