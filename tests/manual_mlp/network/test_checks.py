import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from manual_mlp import MLP, Dense, Dropout, Evaluation, Loss, ShapeError

MLP_3_2 = MLP(3, [Dense(4, "tanh"), Dense(2)])
MLP_1_1 = MLP(1, [Dense(1)])
X, Y = np.ones((5, 3)), np.zeros((5, 2))


def message(error: type[Exception], call: Callable[[], Any]) -> str:
    with pytest.raises(error) as caught:
        call()
    assert type(caught.value) is error
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return str(caught.value)


def rejected(error: type[Exception], x: Any = X, y: Any = Y, loss: Any = "mse", mlp: MLP = MLP_3_2) -> str:
    return message(error, lambda: mlp.backpropagate(mlp.initialize(0), x, y, loss))


# x


def test_a_single_sample_is_shown_its_batch_axis() -> None:
    expected = (
        "dense_1: x is 1-D, (3,), a single sample. A batch of one is x[None, :], of shape (1, 3): "
        "u = x W + b   (1, 3) @ (3, 4) + (4,) → (1, 4)."
    )
    assert rejected(ShapeError, x=np.ones(3)) == expected
    assert message(ShapeError, lambda: MLP_3_2.forward(MLP_3_2.initialize(0), np.ones(3))) == expected
    assert message(ShapeError, lambda: MLP_3_2.predict(MLP_3_2.initialize(0), np.ones(3))) == expected


def test_many_samples_of_one_feature_are_shown_their_feature_axis() -> None:
    assert rejected(ShapeError, x=np.ones(5), mlp=MLP_1_1) == (
        "dense_1: x is 1-D, (5,). 5 samples of one feature are x[:, None], of shape (5, 1): "
        "u = x W + b   (5, 1) @ (1, 1) + (1,) → (5, 1)."
    )
    assert "x[None, :]" in rejected(ShapeError, x=np.ones(1), mlp=MLP_1_1)


@pytest.mark.parametrize(
    ("shape", "begin"),
    [
        ((2, 3, 4), "dense_1: x has 3 dimensions, (2, 3, 4), "),
        ((), "dense_1: x has 0 dimensions, (), "),
        ((7,), "dense_1: x has 1 dimensions, (7,), "),
    ],
)
def test_other_ranks(shape: tuple[int, ...], begin: str) -> None:
    assert rejected(ShapeError, x=np.ones(shape)) == (
        f"{begin}and needs two, (N, 3): u = x W + b   (N, 3) @ (3, 4) + (4,) → (N, 4). "
        "One sample is x[None, :]; images are flattened with x.reshape(len(x), -1)."
    )


def test_a_wrong_number_of_features_names_layer_equation_and_shapes() -> None:
    assert rejected(ShapeError, x=np.ones((5, 7))) == (
        "dense_1: x has 7 features per sample, but the network was described with 3 inputs.\n"
        "  expected  u = x W + b   (5, 3) @ (3, 4) + (4,) → (5, 4)\n"
        "  given     x             (5, 7)\n"
        "  Cure: pass x of shape (5, 3), or describe the network as MLP(7, …)."
    )


def test_an_empty_batch() -> None:
    assert rejected(ValueError, x=np.ones((0, 3)), y=np.ones((0, 2))) == (
        "x is an empty batch, (0, 3): expected at least one sample."
    )


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_counted_and_placed(value: float) -> None:
    bad = np.ones((5, 3))
    bad[2, 1] = bad[4, 0] = value
    assert rejected(ValueError, x=bad) == (
        "x holds 2 values that are NaN or Inf, the first at x[2, 1]. Clean the data first: every gradient would be NaN."
    )
    assert rejected(ValueError, y=bad[:, :2]) == (
        "y holds 2 values that are NaN or Inf, the first at y[2, 1]. Clean the data first: every gradient would be NaN."
    )


@pytest.mark.parametrize(
    ("array", "dtype"),
    [
        (np.array([[1, None, 2]]), "object"),
        (np.array([["1", "2", "3"]]), "<U1"),
        (np.ones((1, 3), complex), "complex128"),
    ],
)
def test_arrays_that_hold_no_real_numbers(array: Any, dtype: str) -> None:
    assert rejected(TypeError, x=array) == (
        f"x is an array of {dtype}: expected numbers. Convert it, e.g. with .astype('float64')."
    )
    assert rejected(TypeError, y=array).startswith(f"y is an array of {dtype}: ")


def test_rows_of_different_lengths() -> None:
    text = rejected(ValueError, x=[[1.0, 2.0, 3.0], [4.0]])
    assert text.startswith("x cannot be read as an array: ")
    assert text.endswith(". Expected rows of one length.")


def test_lists_of_numbers_are_data() -> None:
    e = MLP_1_1.backpropagate(MLP_1_1.initialize(0), [[1], [2]], [[True], [False]], "mse")
    assert e.problem.y.tolist() == [[1], [0]]


# y


@pytest.mark.parametrize(
    ("mlp", "y", "details"),
    [
        (
            MLP_1_1,
            np.zeros(5),
            (
                "output    z  (5, 1)\n  targets   y  (5,)\n  {line}\n"
                "  Cure: y[:, None]. Subtracting (5,) from (5, 1) would broadcast to (5, 5)."
            ),
        ),
        (
            MLP(1, [Dense(2)]),
            np.zeros(5),
            (
                "output    z  (5, 2)\n  targets   y  (5,)\n  {line}\n"
                "  Cure: class indices go with sparse_categorical_crossentropy, or one-hot with np.eye(2)[y]."
            ),
        ),
        (
            MLP(1, [Dense(2)]),
            np.zeros((2, 5)),
            "output    z  (5, 2)\n  targets   y  (2, 5)\n  {line}\n  Cure: y.T; samples run along the first axis.",
        ),
        (
            MLP(1, [Dense(2)]),
            np.zeros((5, 1)),
            "output    z  (5, 2)\n  targets   y  (5, 1)\n  {line}\n  Cure: pass y of shape (5, 2).",
        ),
        (
            MLP(1, [Dense(2)]),
            np.zeros((4, 2)),
            "output    z  (5, 2)\n  targets   y  (4, 2)\n  {line}\n  Cure: pass y of shape (5, 2).",
        ),
    ],
)
def test_targets_of_another_shape_are_never_broadcast(mlp: MLP, y: Any, details: str) -> None:
    line = f"expected  E = 1/(N·K) Σ_n Σ_k (z − y)²   (5, {mlp.units[0]}), (5, {mlp.units[0]}) → ()"
    assert rejected(ShapeError, x=np.ones((5, 1)), y=y, mlp=mlp) == (
        f"dense_1: mean_squared_error compares the output with y element by element.\n  {details.format(line=line)}"
    )


SPARSE = "sparse_categorical_crossentropy"


@pytest.mark.parametrize(
    ("y", "shown"), [(np.array([0, 1, 2, 1, 0]), "0 to 2"), (np.array([-1, 1, 0, 1, 0]), "-1 to 1")]
)
def test_labels_out_of_range(y: Any, shown: str) -> None:
    assert rejected(ValueError, y=y, loss=SPARSE) == (
        f"dense_2: labels run from {shown}, but 2 outputs have classes 0 to 1. "
        "Cure: number the classes from 0, or give the last layer more units."
    )


@pytest.mark.parametrize("dtype", ["float64", "bool"])
def test_labels_that_are_no_whole_numbers(dtype: str) -> None:
    assert rejected(TypeError, y=np.zeros(5, dtype), loss=SPARSE) == (
        f"dense_2: class indices are whole numbers, y is {dtype}. Cure: y.astype('int64')."
    )


@pytest.mark.parametrize(
    ("shape", "cure"), [((5, 2), "y.argmax(axis=1)"), ((4,), "y of shape (5,)"), ((1, 5), "y of shape (5,)")]
)
def test_labels_of_another_shape(shape: tuple[int, ...], cure: str) -> None:
    assert rejected(ShapeError, y=np.zeros(shape, int), loss=SPARSE) == (
        f"dense_2: sparse_categorical_crossentropy reads one class index per sample, (5,), y is {shape}: "
        f"E = 1/N Σ_n (log Σ_k z_k − log z_y)   (5, 2), (5,) → (). Cure: {cure}."
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int64", "uint64"])
def test_labels_may_be_a_column_of_any_whole_numbers(dtype: str) -> None:
    labels = np.array([[0], [1], [1], [0], [1]], dtype)
    mlp = MLP(3, [Dense(2, "softmax")])
    column = mlp.backpropagate(mlp.initialize(0), X, labels, SPARSE)
    flat = mlp.backpropagate(mlp.initialize(0), X, labels[:, 0].astype(int), SPARSE)
    assert column.problem.y.shape == (5,)
    np.testing.assert_array_equal(column.gradients["dense_1/kernel"], flat.gradients["dense_1/kernel"])


# parameters


def with_parameters(error: type[Exception], change: dict[str, Any]) -> str:
    given = {**MLP_3_2.initialize(0), **change}
    kept = {name: array for name, array in given.items() if array is not None}
    return message(error, lambda: MLP_3_2.backpropagate(kept, X, Y, "mse"))


def test_missing_and_unknown_parameters_are_both_listed() -> None:
    change = {"dense_2/bias": None, "dense_1/bias": None, "dense_2/b": np.zeros(2)}
    assert with_parameters(ValueError, change) == (
        "The parameters are not those of the network.\n"
        "  missing  dense_1/bias, dense_2/bias\n"
        "  unknown  dense_2/b\n"
        "  Cure: start from mlp.initialize(seed), or rename the keys of your dict."
    )
    assert "\n  missing  none\n  unknown  5\n" in with_parameters(ValueError, {5: np.zeros(2)})
    assert "\n  missing  dense_2/bias\n  unknown  none\n" in with_parameters(ValueError, {"dense_2/bias": None})


def test_a_transposed_kernel_is_recognised() -> None:
    assert with_parameters(ShapeError, {"dense_2/kernel": np.zeros((2, 4))}) == (
        "dense_2: u = z_prev W + b   (N, 4) @ (4, 2) + (2,) → (N, 2), but dense_2/kernel has shape (2, 4). "
        "It is the transpose: pass it as .T. Expected (4, 2) = (n_in, n_out)."
    )


def test_parameters_of_another_shape() -> None:
    assert with_parameters(ShapeError, {"dense_2/kernel": np.zeros((4, 3))}) == (
        "dense_2: u = z_prev W + b   (N, 4) @ (4, 2) + (2,) → (N, 2), but dense_2/kernel has shape (4, 3). "
        "Expected (4, 2) = (n_in, n_out)."
    )
    assert with_parameters(ShapeError, {"dense_2/bias": np.zeros((1, 2))}) == (
        "dense_2: u = z_prev W + b   (N, 4) @ (4, 2) + (2,) → (N, 2), but dense_2/bias has shape (1, 2). "
        "Expected (2,) = (n_out,)."
    )


@pytest.mark.parametrize(
    ("array", "kind"),
    [(np.zeros(2, int), "int64"), (np.array([None, 0.5]), "object"), ([0.0, 0.0], "list"), (0.0, "float")],
)
def test_parameters_that_are_no_floating_point_arrays(array: Any, kind: str) -> None:
    assert with_parameters(TypeError, {"dense_2/bias": array}) == (
        f"dense_2/bias is {kind}: expected a NumPy array of floating-point numbers."
    )


def test_parameters_of_several_dtypes() -> None:
    assert with_parameters(TypeError, {"dense_2/bias": np.zeros(2, "float32")}) == (
        "Parameters of several dtypes (dense_1/kernel: float64, dense_1/bias: float64, dense_2/kernel: float64, "
        "dense_2/bias: float32). Convert all to one, e.g. with .astype('float64')."
    )


def test_parameters_that_are_no_dict() -> None:
    text = message(TypeError, lambda: MLP_3_2.forward([np.zeros((3, 4))], X))
    assert text == "parameters is list: expected a dict such as mlp.initialize(0)."


# names


def test_an_unknown_loss_or_initializer_is_refused_before_the_data_is_read() -> None:
    assert rejected(ValueError, x=None, loss="mean_squared_err").startswith(
        "Unknown loss 'mean_squared_err'. Did you mean 'mean_squared_error'? Known: "
    )
    assert message(ValueError, lambda: MLP_3_2.initialize(0, "glorot_unifrom")) == (
        "Unknown initializer 'glorot_unifrom'. Did you mean 'glorot_uniform'? "
        "Known: glorot_normal, glorot_uniform, he_normal, he_uniform, normal(0.5), zeros."
    )


def test_logits_of_a_layer_that_already_applies_softmax() -> None:
    mlp = MLP(3, [Dense(2, "softmax")])
    loss = Loss(SPARSE, from_logits=True)
    assert rejected(ValueError, y=np.zeros(5, int), loss=loss, mlp=mlp) == (
        "dense_1: sparse_categorical_crossentropy with from_logits=True expects logits, but the layer already applies "
        "softmax. Give it activation='linear', or leave from_logits out."
    )


BAD_WEIGHTS: list[tuple[Any, type[Exception], str]] = [
    (
        np.ones(4),
        ShapeError,
        (
            "sample_weight is (4,), but E = c Σ_n w_n e_n has one weight per sample: (5,) for 5 samples. "
            "Cure: pass an array of shape (5,), or leave it out."
        ),
    ),
    (
        np.ones((5, 2)),
        ShapeError,
        (
            "sample_weight is (5, 2), but E = c Σ_n w_n e_n has one weight per sample: (5,) for 5 samples. "
            "Cure: weights per output or per timestep are not for this network; give each sample one."
        ),
    ),
    (
        2.0,
        ShapeError,
        (
            "sample_weight is (), but E = c Σ_n w_n e_n has one weight per sample: (5,) for 5 samples. "
            "Cure: pass an array of shape (5,), or leave it out."
        ),
    ),
    ([1, 1, -0.5, 1, 1], ValueError, "sample_weight[2] is -0.5: expected numbers of 0 and above."),
    (
        [1, 1, 1, np.nan, 1],
        ValueError,
        (
            "sample_weight holds 1 values that are NaN or Inf, the first at sample_weight[3]. "
            "Clean the data first: every gradient would be NaN."
        ),
    ),
    (
        list("abcde"),
        TypeError,
        "sample_weight is an array of <U1: expected numbers. Convert it, e.g. with .astype('float64').",
    ),
]


@pytest.mark.parametrize(("weights", "error", "message"), BAD_WEIGHTS)
def test_what_are_no_weights_of_samples_is_refused(weights: Any, error: type[Exception], message: str) -> None:
    mlp = MLP(1, [Dense(1)])
    with pytest.raises(error) as caught:
        mlp.backpropagate(mlp.initialize(0), np.ones((5, 1)), np.ones((5, 1)), "mse", sample_weight=weights)
    assert str(caught.value) == message


@pytest.mark.parametrize("weights", [[2, 0, 1], np.array([[2], [0], [1]], "uint8"), np.array([2.0, 0, 1])])
def test_weights_are_copied_as_a_vector_of_the_parameters_dtype(weights: Any) -> None:
    mlp = MLP(1, [Dense(1)])
    w = mlp.initialize(0, dtype="float32")
    problem = mlp.problem(w, np.ones((3, 1)), np.ones((3, 1)), "mse", sample_weight=weights)
    assert problem.sample_weight is not weights
    assert (problem.sample_weight.dtype, problem.sample_weight.tolist()) == (np.float32, [2, 0, 1])


def test_good_input_gives_no_warning() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        MLP_3_2.backpropagate(MLP_3_2.initialize(0), X, Y, "mse")


# draws

DROPPED = MLP(2, [Dense(3), Dropout(0.3), Dense(1)])
CURE = "Cure: pass draws=mlp.draws(seed, 4), or the tape's own, draws=evaluation.problem.draws."


def evaluate_with(draws: Any, mlp: MLP = DROPPED) -> Evaluation:
    return mlp.backpropagate(mlp.initialize(0), np.ones((4, 2)), np.ones((4, 1)), "mse", draws)


def test_a_dropout_without_its_mask_says_where_to_get_one() -> None:
    with pytest.raises(ValueError, match="Dropout") as error:
        evaluate_with(None)
    assert str(error.value) == (
        "dropout_1: a Dropout reads a mask, which comes from outside.\n"
        f"  missing  dropout_1/mask\n  unknown  none\n  {CURE}"
    )


def test_a_mask_that_nobody_reads_is_refused() -> None:
    with pytest.raises(ValueError, match="draws") as error:
        evaluate_with({"dropout_1/mask": np.ones((4, 3))}, MLP(2, [Dense(1)]))
    assert str(error.value) == (
        f"The network: the draws are not its own.\n  missing  none\n  unknown  dropout_1/mask\n  {CURE}"
    )
    assert evaluate_with({}, MLP(2, [Dense(1)])).problem.draws == {}


@pytest.mark.parametrize(
    ("mask", "error", "message"),
    [
        (
            np.zeros((5, 3)),
            ShapeError,
            (
                "dropout_1: z = z_prev ⊙ m   (4, 3) ⊙ (5, 3): a mask has one entry per sample and unit. "
                "Cure: pass mlp.draws(seed, 4)."
            ),
        ),
        (
            np.eye(4, 3),  # all ones would be a mask of inference
            ValueError,
            (
                "dropout_1/mask holds 1: the entries of a mask are 0 and 1/(1 − rate) = 1.42857, scaled already. "
                "Cure: multiply a mask of zeros and ones by 1 / (1 - 0.3)."
            ),
        ),
        (
            np.full((4, 3), "kept"),
            TypeError,
            "dropout_1/mask is an array of <U4: expected numbers. Convert it, e.g. with .astype('float64').",
        ),
    ],
)
def test_what_is_no_mask_is_refused(mask: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        evaluate_with({"dropout_1/mask": mask})
    assert str(caught.value) == message


def test_a_mask_of_ones_throughout_is_that_of_inference() -> None:
    mlp = MLP(2, [Dropout(0.5), Dense(1)])
    w, x, y = mlp.initialize(0), np.ones((3, 2)), np.ones((3, 1))
    e = mlp.backpropagate(w, x, y, "mse", {"dropout_1/mask": np.ones((3, 2))})
    assert np.array_equal(e.nodes["dense_1/z"], mlp.predict(w, x))


def test_draws_are_a_dict() -> None:
    with pytest.raises(TypeError) as error:
        evaluate_with(np.ones((4, 3)))
    assert str(error.value) == "draws is ndarray: expected a dict such as mlp.draws(seed, 4)."


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16"])
def test_masks_of_every_dtype_are_taken_and_copied(dtype: str) -> None:
    mask = np.array(DROPPED.draws(0, 4, dtype)["dropout_1/mask"])
    held = evaluate_with({"dropout_1/mask": mask}).problem.draws["dropout_1/mask"]
    assert held.dtype == np.float64
    assert np.array_equal(held, mask)
    mask[...] = 0
    assert held.any()
