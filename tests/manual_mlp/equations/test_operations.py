from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff.noise.network import local_distance
from manual_mlp import Array, Equation, Loss, ShapeError
from manual_mlp.equations.local_rounding import GATE, Precision
from manual_mlp.equations.loss_operations import LossGradient, LossValue
from manual_mlp.equations.operations import Activate, Multiply, Operation, Product, Pullback, SumOverBatch

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
B = np.array([[1.0, 0.0], [2.0, 1.0], [0.0, -1.0]])
AB = [[5, -1], [14, -1]]  # by pencil; all products below are of whole numbers, hence exact


def read_only(*arrays: Array) -> list[Array]:
    for array in arrays:
        array.flags.writeable = False
    return list(arrays)


# product


@pytest.mark.parametrize(
    ("operation", "left", "right"),
    [
        (Product(), A, B),
        (Product(transpose_left=True), A.T.copy(), B),
        (Product(transpose_right=True), A, B.T.copy()),
        (Product(transpose_left=True, transpose_right=True), A.T.copy(), B.T.copy()),
    ],
)
def test_each_operand_of_a_product_may_be_transposed(operation: Product, left: Array, right: Array) -> None:
    read_only(left, right)
    assert operation.evaluate(left, right).tolist() == AB
    assert operation.shape(left.shape, right.shape) == (2, 2)
    buffer = np.full((2, 2), np.nan)
    assert operation.evaluate(left, right, out=buffer) is buffer
    assert buffer.tolist() == AB


def test_a_third_operand_is_added_row_by_row_or_entry_by_entry() -> None:
    row, full = np.array([10.0, 20.0]), np.array([[1.0, 2.0], [3.0, 4.0]])
    assert Product().evaluate(A, B, row).tolist() == [[15, 19], [24, 19]]
    assert Product().evaluate(A, B, full).tolist() == [[6, 1], [17, 3]]
    assert row.tolist() == [10, 20]
    assert Product().shape((2, 3), (3, 2), (2,)) == Product().shape((2, 3), (3, 2), (2, 2)) == (2, 2)


@pytest.mark.parametrize(
    ("operation", "shapes", "message"),
    [
        (Product(), ((4, 5), (3, 2)), "(4, 5) @ (3, 2): the inner dimensions 5 and 3 differ"),
        (
            Product(transpose_left=True),
            (("N", "n₀"), ("M", "n₁")),
            "(N, n₀)ᵀ @ (M, n₁): the inner dimensions N and M differ",
        ),
        (Product(transpose_right=True), ((4, 5), (3, 2)), "(4, 5) @ (3, 2)ᵀ: the inner dimensions 5 and 2 differ"),
        (Product(), ((4, 5), (5, 2), (3,)), "(4, 5) @ (5, 2) + (3,): (3,) cannot be added to (4, 2)"),
        (Product(), ((4, 5), (5, 2), (4,)), "(4, 5) @ (5, 2) + (4,): (4,) cannot be added to (4, 2)"),
        (Product(), ((4, 5), (5, 4), (4, 1)), "(4, 5) @ (5, 4) + (4, 1): (4, 1) cannot be added to (4, 4)"),
        (Product(), ((5,), (3, 2)), "(5,) @ (3, 2): the inner dimensions 5 and 3 differ"),
        (Product(), ((), (3, 2)), "() @ (3, 2): a matrix is missing"),
    ],
)
def test_a_product_that_does_not_fit_says_which_dimensions(
    operation: Product, shapes: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(ShapeError) as error:
        operation.shape(*shapes)
    assert str(error.value) == message


def test_a_product_is_written_as_it_is_computed() -> None:
    assert Product().render("z_prev", "W", "b") == "z_prev W + b"
    assert Product(transpose_left=True).render("z_prev", "δ") == "z_prevᵀ δ"
    assert Product(transpose_right=True).render("δ", "W") == "δ Wᵀ"
    assert Product(transpose_left=True).render_shapes((100, 5), (100, 5)) == "(100, 5)ᵀ @ (100, 5)"
    assert Product().render_shapes(("N", 3), (3, 2), (2,)) == "(N, 3) @ (3, 2) + (2,)"


# sum over the batch


@pytest.mark.parametrize("dtype", ["float32", "float64", "longdouble", "complex128"])
def test_a_sum_over_the_batch(dtype: str) -> None:
    a = A.astype(dtype)
    result = SumOverBatch().evaluate(a)
    assert result.tolist() == [5, 7, 9]
    assert result.dtype == dtype
    buffer = np.empty(3, dtype)
    assert SumOverBatch().evaluate(a, out=buffer) is buffer
    assert buffer.tolist() == [5, 7, 9]


def test_a_sum_over_the_batch_in_letters() -> None:
    operation = SumOverBatch()
    assert operation.shape(("N", "n₁")) == ("n₁",)
    assert (operation.render("δ"), operation.render_shapes(("N", 3))) == ("Σ_N δ", "Σ_N (N, 3)")


# activations


def test_an_activation_and_its_pullback() -> None:
    assert Activate("relu").evaluate(np.array([[-1.0, 2.0]])).tolist() == [[0, 2]]
    assert Pullback("relu").evaluate(np.array([[5.0, 7.0]]), np.array([[-1.0, 2.0]])).tolist() == [[0, 7]]
    assert Activate("tanh").shape(("N", 4)) == Pullback("tanh").shape(("N", 4), ("N", 4)) == ("N", 4)
    assert Activate("sigmoid").render("u") == "1/(1 + exp(−u))"
    assert Activate("sigmoid").render_shapes((4, 2)) == "f(4, 2)"
    assert Pullback("sigmoid").render("dE/dz", "z") == "dE/dz ⊙ z(1 − z)"
    assert Pullback("softmax").render("dE/dz", "z") == "z ⊙ (dE/dz − Σ_k dE/dz z)"
    assert Pullback("sigmoid").render_shapes((4, 2), (4, 2)) == "(4, 2) ⊙ f′(4, 2)"


def test_elementwise_operands_are_never_broadcast() -> None:
    with pytest.raises(ShapeError) as error:
        Pullback("tanh").shape((4, 2), (1, 2))
    assert str(error.value) == "(4, 2) ⊙ f′(1, 2): elementwise operands must have one shape"


def test_no_gradient_passes_a_step() -> None:
    with pytest.raises(ValueError, match="step") as error:
        Pullback("step").evaluate(A, A)
    assert str(error.value) == "No gradient passes through 'step': it runs forward only. Train with 'sigmoid'."


# losses


def test_a_loss_and_its_gradient() -> None:
    loss = Loss("mse", scale=3.0)
    value = LossValue(loss, logits=False).evaluate(A, np.zeros((2, 3)))
    assert (value, value.shape) == (3 * 91 / 6, ())  # 1 + 4 + 9 + 16 + 25 + 36 = 91
    gradient = LossGradient(loss, logits=False).evaluate(A, np.zeros((2, 3)))
    np.testing.assert_array_equal(gradient, A)  # 3 · 2/6 · A
    assert LossValue(loss, False).shape(("N", 3), ("N", 3)) == ()
    assert LossGradient(loss, False).shape(("N", 3), ("N", 3)) == ("N", 3)


def test_the_scale_reaches_value_and_gradient_alike() -> None:
    p, y = np.array([[0.25, 0.75]]), np.array([[1.0, 0.0]])
    for operation in (LossValue, LossGradient):
        for logits in (False, True):
            once = operation(Loss("bce"), logits).evaluate(p, y)
            np.testing.assert_array_equal(operation(Loss("bce", scale=4.0), logits).evaluate(p, y), 4 * once)


def test_the_shape_of_labels_is_not_compared() -> None:
    loss = Loss("sparse_categorical_crossentropy")
    assert LossValue(loss, True).shape(("N", 3), ("N",)) == ()
    assert LossGradient(loss, True).shape(("N", 3), ("N",)) == ("N", 3)


@pytest.mark.parametrize("operation", [LossValue(Loss("mse"), False), LossGradient(Loss("mse"), False)])
def test_targets_are_never_broadcast(operation: Operation) -> None:
    with pytest.raises(ShapeError) as error:
        operation.shape((4, 1), (4,))
    assert str(error.value) == "(4, 1), (4,): elementwise operands must have one shape"


def test_losses_are_written_in_the_letters_of_their_operand() -> None:
    assert LossValue(Loss("mse"), False).render("z", "y") == "1/(N·K) Σ_n Σ_k (z − y)²"
    fused = LossGradient(Loss("sparse_categorical_crossentropy"), True)
    assert fused.render("u", "y") == "1/N (softmax(u) − [k = y])"


# branches


def test_a_frozen_kink_takes_the_branch_of_its_anchor() -> None:
    u, elsewhere = np.array([[1.0, -1.0]]), np.array([[-1.0, 1.0]])
    assert Activate("relu").frozen((u,), (elsewhere,)).tolist() == [[0, -1]]
    assert Activate("relu").frozen((u,), (u,)).tolist() == Activate("relu").evaluate(u).tolist()
    g = np.array([[5.0, 7.0]])
    assert Pullback("relu").frozen((g, u), (g, elsewhere)).tolist() == [[0, 7]]


def test_what_has_no_kink_is_evaluated_where_it_stands() -> None:
    elsewhere = np.zeros((2, 3))
    frozen: list[tuple[Operation, tuple[Any, ...]]] = [
        (Activate("tanh"), (A,)),
        (Pullback("tanh"), (A, A / 8)),
        (SumOverBatch(), (A,)),
        (LossGradient(Loss("mse"), False), (A, A + 1)),
    ]
    for operation, operands in frozen:
        anchors = (elsewhere,) * len(operands)
        np.testing.assert_array_equal(operation.frozen(operands, anchors), operation.evaluate(*operands))


def test_a_frozen_clip_takes_the_branch_of_its_anchor() -> None:
    operation = LossGradient(Loss("bce"), logits=False)
    assert operation.clips
    assert not LossGradient(Loss("bce"), logits=True).clips
    assert not LossGradient(Loss("mse"), logits=False).clips
    p, y, clipped = np.array([[0.5, 0.5]]), np.array([[1.0, 1.0]]), np.array([[0.5, 1.0]])
    assert operation.frozen((p, y), (clipped, y)).tolist() == [[-1, 0]]


# purity


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: Product().evaluate(a, b),
        lambda a, b: SumOverBatch().evaluate(a),
        lambda a, b: Activate("sigmoid").evaluate(a),
        lambda a, b: Activate("softmax").evaluate(a),
        lambda a, b: Pullback("softmax").evaluate(a, a),
        lambda a, b: Pullback("linear").evaluate(a, a),
        lambda a, b: LossGradient(Loss("mse"), False).evaluate(a, a),
        lambda a, b: LossGradient(Loss("bce"), True).evaluate(a, a),
    ],
)
def test_operands_are_only_read(call: Callable[..., Array]) -> None:
    a, b = read_only(A.copy(), B.copy())
    result = call(a, b)
    assert not np.shares_memory(result, a)


# ⊙


def test_an_elementwise_product() -> None:
    left, right = read_only(A, A + 1)
    assert Multiply().evaluate(left, right).tolist() == (A * (A + 1)).tolist()
    buffer = np.full(A.shape, np.nan)
    assert Multiply().evaluate(left, right, out=buffer) is buffer
    (call,) = Multiply().bound(left, right, out=np.empty(A.shape))
    assert call().tolist() == (A * (A + 1)).tolist()


def test_an_elementwise_product_does_not_broadcast() -> None:
    with pytest.raises(ShapeError, match="elementwise operands must have one shape"):
        Multiply().shape((2, 3), (3,))


# rounding


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("operation", [Multiply(), Product(transpose_left=True)])
def test_rounding_is_expected_and_a_mistake_is_not(operation: Operation, seed: int) -> None:
    rng, names = np.random.default_rng(seed), ("a", "b", "W")
    n = int(rng.integers(1, 300))
    shapes = [(n, 4), (n, 4)] + ([(4, 4)] if isinstance(operation, Product) else [])
    arrays = [rng.normal(size=s).astype(np.float32) for s in shapes]
    known = dict(zip(names, arrays, strict=False))
    equation = Equation("", "node", operation, names[: len(arrays)])
    found = operation.evaluate(*arrays)
    assert local_distance(equation, known, found, "float32").max() < GATE / 2
    assert local_distance(equation, known, found * np.float32(1 + 1e-4), "float32").max() > GATE


def test_a_mask_of_zeros_rounds_nothing() -> None:
    z, m = np.array([[3.0, 4.0]]), np.array([[0.0, 2.0]])
    assert Multiply().rounding(z * m, z, m, at=Precision.plain(1.0)).variance.tolist() == [[0.0, pytest.approx(64 / 3)]]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_the_sum_over_the_batch_takes_every_float(dtype: str) -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else np.dtype(dtype)
    total = SumOverBatch().evaluate(np.array([[1, 2], [3, 4]], kind))
    assert (total.dtype, total.astype(float).tolist()) == (np.dtype(kind), [4.0, 6.0])
