import itertools
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gradient_diff import explain_shapes
from gradient_diff.shapes.explain import ShapeExplanation

N, I, J = 7, 5, 3  # noqa: E741  (batch, inputs, units)
RNG = np.random.default_rng(0)
Z, D = RNG.normal(size=(N, I)), RNG.normal(size=(N, J))
W = RNG.normal(size=(I, J))


def texts(found: ShapeExplanation) -> list[str]:
    return [e.text for e in found.fitting]


def ids(found: ShapeExplanation) -> list[str]:
    return [slip.id for slip in found.slips]


# what fits


@pytest.mark.parametrize(
    ("operands", "target", "fitting"),
    [
        ({"z": Z, "delta": D}, (I, J), ["zᵀ δ"]),
        ({"z": Z, "delta": D}, (J, I), ["δᵀ z"]),
        ({"z": Z.T, "delta": D}, (I, J), ["z δ"]),
        ({"z": Z, "delta": D.T}, (I, J), ["zᵀ δᵀ"]),
        ({"delta": D, "W": W}, (N, I), ["δ Wᵀ"]),
        ({"x": Z, "W": W}, (N, J), ["x W"]),
        ({"x": Z, "W": W.T}, (N, J), ["x Wᵀ"]),
        ({"delta": D}, (J,), ["Σ_N δ"]),
        ({"dW": W.T}, (I, J), ["dWᵀ"]),
        ({"g": np.ones((N, I, J))}, (I, J), ["Σ_N g"]),
        ({"g": np.ones((N, J, I))}, (I, J), ["(Σ_N g)ᵀ"]),
        ({"x": Z[0], "delta": D[0]}, (I, J), ["x ⊗ δ"]),
        ({"x": Z[0], "delta": D[:1]}, (I, J), ["x ⊗ δ"]),
        ({"x": Z[0], "W": W}, (J,), ["x W", "Σ_axis 0 W"]),
        ({"z": Z, "delta": D[:, 0]}, (I,), ["δ z", "Σ_N z"]),
        ({"dz": D, "f": D + 1}, (N, J), ["dz ⊙ f"]),
        ({"gamma": D, "z": D + 1}, (J,), ["Σ_N (gamma ⊙ z)", "Σ_N gamma", "Σ_N z"]),
        ({"z": Z, "delta": D}, (2, 2), []),
    ],
)
def test_every_expression_of_the_target_shape(
    operands: dict[str, Any], target: tuple[int, ...], fitting: list[str]
) -> None:
    by_arrays = explain_shapes(operands, target)
    assert texts(by_arrays) == fitting
    by_shapes = explain_shapes({name: a.shape for name, a in operands.items()}, target)
    assert texts(by_shapes) == fitting
    assert by_shapes.axes == by_arrays.axes


def test_other_notations_of_the_same_function_are_listed_with_it() -> None:
    (only,) = explain_shapes({"z": Z, "delta": D}, (I, J)).fitting
    assert only.same == ("(δᵀ z)ᵀ", "Σ_n z_n ⊗ δ_n")
    assert (only.code, only.shapes) == ("z.T @ delta", "(5, 7)(7, 3)")
    (only,) = explain_shapes({"z": Z, "delta": D.T}, (I, J)).fitting
    assert only.same == ("(δ z)ᵀ",)  # no sum over samples: they are δ's columns


@given(
    shapes=st.lists(st.lists(st.integers(1, 4), min_size=1, max_size=3).map(tuple), min_size=1, max_size=2),
    target=st.lists(st.integers(1, 4), max_size=3).map(tuple),
)
def test_the_code_of_every_expression_gives_its_shape_and_its_values(
    shapes: list[tuple[int, ...]], target: tuple[int, ...]
) -> None:
    arrays = {name: RNG.normal(size=s) for name, s in zip("ab", shapes, strict=False)}
    found = explain_shapes(arrays, target)
    for e in itertools.chain(found.fitting, (e for e, _ in found.others)):
        if e.shape is None:
            with pytest.raises(ValueError, match="matmul"):
                eval(e.code, {"np": np, **arrays})
        else:
            value = eval(e.code, {"np": np, **arrays})
            assert np.shape(value) == e.shape
            np.testing.assert_allclose(e.values(), value)


def test_axes_are_named_by_length_whatever_their_place() -> None:
    found = explain_shapes({"z": Z.T, "delta": D}, (I, J))
    assert found.axes == {"z": ("inputs", "batch"), "delta": ("batch", "units"), "target": ("inputs", "units")}
    found = explain_shapes({"delta": D, "W": W}, (N, I))
    assert found.axes == {"delta": ("batch", "units"), "W": ("inputs", "units"), "target": ("batch", "inputs")}
    found = explain_shapes({"foo": (N, I), "bar": (N, J)}, (I, J))
    assert found.axes == {"foo": ("batch", "inputs"), "bar": ("batch", "units"), "target": ("inputs", "units")}
    found = explain_shapes({"foo": (9, 8), "bar": (2, 4)}, (I, J))
    assert found.axes["foo"] == ("?", "?")


# what happened


@pytest.mark.parametrize(
    ("operands", "target", "came", "slip", "how"),
    [
        ({"z": Z, "delta": D}, (I, J), D.T @ Z, "transposed_convention", "It is δᵀ z."),
        ({"z": Z, "delta": D}, (I, J), np.einsum("ni,nj->nij", Z, D), "per_sample", "It is z_n ⊗ δ_n for each n."),
        ({"delta": D}, (J,), D, "batch_not_summed", "gradient is summed over them: δ.sum(axis=0)."),
        ({"delta": D}, (J,), D.sum(axis=1), "wrong_axis", "It is Σ_n_out δ."),
        ({"delta": D}, (J,), D.sum(axis=0, keepdims=True), "keepdims", "It is Σ_N δ, kept."),
        ({"delta": D}, (J,), D.sum(), "summed_over_all", "It is Σ δ."),
        ({"z": Z, "delta": D[:, :1]}, (I, 1), Z * D[:, :1], "elementwise", "It is z ⊙ δ."),
        ({"z": D, "delta": D + 1}, (J, J), D * (D + 1), "elementwise", "It is z ⊙ δ."),
        ({"y": D[:, 0], "p": D[:, :1]}, (N, 1), D[:, 0] * D[:, :1], "broadcast", "(7, 1): y[:, None]."),
        ({"z": Z, "delta": D}, (I, J), (J, I), "transposed_convention", "δᵀ z gives that."),
        ({"z": Z, "delta": D}, (I, J), np.ones((J, I)), "transposed_convention", "(n_in, n_out): transpose it."),
        ({"y_pred": (N, J)}, (N, J), (J, N), "transposed", "y_predᵀ gives that."),
        ({"p": (N, 1)}, (N, 1), (N,), "keepdims", "Σ_n_out p gives that."),
    ],
)
def test_what_came_out_is_explained(
    operands: dict[str, Any], target: tuple[int, ...], came: Any, slip: str, how: str
) -> None:
    found = explain_shapes(operands, target, given=came)
    named = [s for s in found.slips if s.id == slip]
    assert len(named) == 1
    assert named[0].message.endswith(how)
    assert str(named[0]) in " ".join(str(found).split())


@pytest.mark.parametrize(
    ("name", "shape", "target", "slip"),
    [
        ("dW", (J, I), (I, J), "transposed_convention"),
        ("dW", (N, I, J), (I, J), "per_sample"),
        ("db", (N, J), (J,), "batch_not_summed"),
        ("db", (N,), (J,), "wrong_axis"),
        ("db", (1, J), (J,), "keepdims"),
        ("db", (), (J,), "summed_over_all"),
        ("loss", (N, N), (N, 1), "broadcast"),
        ("s", (N,), (N, 1), "keepdims"),
        ("dW", (I,), (I, J), "wrong_axis"),
    ],
)
def test_a_gradient_of_the_wrong_shape_alone(
    name: str, shape: tuple[int, ...], target: tuple[int, ...], slip: str
) -> None:
    assert ids(explain_shapes({name: shape}, target)) == [slip]


def test_a_square_that_came_of_a_vector_and_a_column_and_one_that_is_not_summed() -> None:
    y, p = D[:, 0], D[:, :1]
    broadcast = explain_shapes({"y": y, "p": p}, (N,), given=y * p)
    assert ids(broadcast)[0] == "broadcast"
    delta = RNG.normal(size=(J, J))
    assert ids(explain_shapes({"delta": delta}, (J,), given=delta))[0] == "batch_not_summed"


def test_the_right_shape_is_no_slip() -> None:
    assert ids(explain_shapes({"z": Z, "delta": D}, (I, J))) == []
    assert ids(explain_shapes({"z": Z, "delta": D}, (I, J), given=Z.T @ D)) == []


def test_what_came_out_in_the_right_shape_is_named_by_its_values() -> None:
    z, delta = RNG.normal(size=(7, 7)), RNG.normal(size=(7, 5))
    operands, right = {"z": z, "delta": delta}, z.T @ delta
    found = explain_shapes(operands, (7, 5), right, given=z @ delta)
    assert [s.message for s in found.slips if s.id == "another_expression"] == [
        "What came out is z δ: the right shape with the wrong values. Write zᵀ δ."
    ]
    half = explain_shapes(operands, (7, 5), right, given=z @ delta / 2).slips[0].message
    assert half.startswith("What came out is z δ times 0.5: ")
    assert explain_shapes(operands, (7, 5), given=z @ delta).slips[0].message == "What came out is z δ."
    for came in (right, right / 7, RNG.normal(size=(7, 5)), (7, 5)):
        assert "another_expression" not in ids(explain_shapes(operands, (7, 5), right, given=came))
    assert ids(explain_shapes({"dW": W}, (I, J))) == []


def test_a_column_against_a_vector_is_seen_before_anything_came_out() -> None:
    found = explain_shapes({"y": (N,), "p": (N, 1)}, (N, 1))
    assert found.slips[0].message == (
        "y (7,) against (7, 1) is broadcast to (7, 7): every sample meets every other. "
        "Give both the shape (7, 1): y[:, None]."
    )
    assert "y[:, None]" in texts(found)


def test_1d_input() -> None:
    found = explain_shapes({"x": Z[0], "delta": D[0]}, (I, J))
    assert found.slips[0].message == (
        "x and delta are 1-D, and .T leaves a 1-D array as it is. A single sample is x[None, :], of shape (1, 5); "
        "5 samples of one feature are x[:, None], (5, 1)."
    )
    assert ids(explain_shapes({"x": Z[0], "W": W}, (1, J))) == ["one_dimensional"]


def test_np_outer_is_the_cure_for_np_dot_of_two_vectors() -> None:
    for operands, target in (({"x": Z[0], "delta": D[0]}, (I, J)), ({"delta": D[0], "x": Z[0]}, (I, J))):
        (cure,) = [s.message for s in explain_shapes(operands, target).slips if s.id == "dot_of_vectors"]
        assert cure == "np.dot of two vectors fails: np.outer(x, delta) is their matrix, zᵀ δ of one sample."
    summed = explain_shapes({"x": (3,), "delta": (3,)}, (3, 3), given=np.asarray(1.0))
    assert "np.dot of two vectors gives one number: np.outer(x, delta)" in " ".join(s.message for s in summed.slips)


def test_operands_that_lie_the_other_way_round_are_named() -> None:
    kernel = explain_shapes({"x": Z, "W": W.T}, (N, J)).slips
    assert [s.message for s in kernel] == [
        "W (3, 5) is (n_out, n_in), the transposed convention. Keras's kernels are (n_in, n_out)."
    ]
    samples = explain_shapes({"z": Z.T, "delta": D}, (I, J)).slips
    assert [s.message for s in samples] == ["z (5, 7) has its samples in columns. Keras has them in rows: pass z.T."]


@pytest.mark.parametrize("name", ["input_shape", "target"])
def test_an_int_where_a_tuple_belongs(name: str) -> None:
    operands, target = ({"input_shape": 100}, (100,)) if name == "input_shape" else ({"db": (100,)}, 100)
    found = explain_shapes(operands, target)
    assert [s.message for s in found.slips] == [
        f"{name}=(100) is the number 100, not a shape: brackets alone make no tuple. Write (100,), with its comma."
    ]
    assert found.target == (100,)


# what proves nothing


def test_square_layers_prove_nothing_and_values_decide() -> None:
    z, d = RNG.normal(size=(4, 4)), RNG.normal(size=(4, 4))
    found = explain_shapes({"z": z, "delta": d}, (4, 4))
    assert texts(found) == ["zᵀ δ", "zᵀ δᵀ", "z δ", "z δᵀ", "δᵀ z", "δᵀ zᵀ", "δ z", "δ zᵀ", "z ⊙ δ", "z ⊙ δᵀ"]
    assert found.right is None
    assert found.slips[-1].message == (
        "Batch, inputs and units are all 4: shapes prove nothing here, since zᵀ δ, zᵀ δᵀ, z δ, z δᵀ, … all fit. Pass "
        "arrays and reference=, and values decide. Use pairwise different primes for batch and widths while you look "
        "for a mistake, e.g. batch 7, inputs 5, units 3."
    )
    for right in found.fitting:
        decided = explain_shapes({"z": z, "delta": d}, (4, 4), right.values())
        assert decided.right is not None
        assert decided.right.text == right.text
        assert f"The values decide: {right.text}." in decided.slips[-1].message


def test_a_batch_of_the_width_is_named() -> None:
    found = explain_shapes({"z": (5, 5), "delta": (5, 3)}, (5, 3))
    assert texts(found) == ["zᵀ δ", "z δ"]
    assert found.slips[-1].message.startswith("Batch and inputs are both 5: shapes prove nothing here, since zᵀ δ, z δ")


def test_pairwise_different_lengths_need_no_advice() -> None:
    assert "primes" not in str(explain_shapes({"z": Z, "delta": D}, (I, J), Z.T @ D))


# values


def test_the_right_values_up_to_a_factor() -> None:
    found = explain_shapes({"z": Z, "delta": D}, (I, J), Z.T @ D / N)
    assert (found.right, found.values) == (
        found.fitting[0],
        "zᵀ δ has the right values, but 7 times as large: 7 is the batch.",
    )
    assert found.factor == pytest.approx(7)
    assert explain_shapes({"z": Z, "delta": D}, (I, J), Z.T @ D).values == "zᵀ δ has the right values."


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_rounding_is_no_difference_and_a_thousandth_is(dtype: str) -> None:
    z, d = Z.astype(dtype), D.astype(dtype)
    reference = np.einsum("ni,nj->ij", z[::-1], d[::-1])  # another order of summation
    assert explain_shapes({"z": z, "delta": d}, (I, J), reference).right is not None
    reference[2, 1] *= 1.001
    found = explain_shapes({"z": z, "delta": d}, (I, J), reference)
    assert found.right is None
    assert (
        found.values == "No expression of this shape has the right values: an operand is another one than it should be."
    )


@pytest.mark.parametrize("bad", [np.zeros((I, J)), np.full((I, J), np.nan), np.full((I, J), np.inf)])
def test_a_reference_that_decides_nothing(bad: Any) -> None:
    found = explain_shapes({"z": Z, "delta": D}, (I, J), bad)
    assert (found.right, found.values) == (
        None,
        "The reference is all zero, or holds NaN or Inf: its values decide nothing.",
    )


def test_shapes_have_no_values() -> None:
    found = explain_shapes({"z": (N, I), "delta": (N, J)}, (I, J), Z.T @ D)
    assert found.values == "Pass arrays instead of shapes, and their values decide."
    assert found.right is None


def test_values_that_several_expressions_share() -> None:
    symmetric = Z.T @ Z
    found = explain_shapes({"a": symmetric, "b": np.eye(I)}, (I, I), symmetric)
    assert found.right is None
    assert found.values.endswith("all have the right values: the data cannot tell them apart.")


def test_arrays_too_large_to_try_are_judged_by_shape() -> None:
    z, d = np.ones((2, 20_000)), np.ones((2, 10_000))
    found = explain_shapes({"z": z, "delta": d}, (20_000, 10_000), given=(10_000, 20_000))
    assert texts(found) == ["zᵀ δ"]
    assert found.fitting[0].values() is None


# what is refused


@pytest.mark.parametrize(
    ("operands", "target", "reference", "error", "message"),
    [
        ({}, (2,), None, ValueError, "explain_shapes: no operands. Pass a dict, name → array or shape"),
        ([1], (2,), None, ValueError, "explain_shapes: no operands."),
        ({"z": "abc"}, (2,), None, TypeError, "z is str: expected an array of numbers, or its shape as a tuple."),
        ({"z": None}, (2,), None, TypeError, "z is NoneType: expected an array of numbers"),
        ({"z": [[1.0], [1.0, 2.0]]}, (2,), None, TypeError, "z is no array: "),
        ({"z": (-1, 2)}, (2,), None, ValueError, r"z=\(-1, 2\): a shape has no negative lengths."),
        ({"z": (1, 2)}, "ab", None, TypeError, "target='ab': expected a shape, a tuple such as"),
        ({"z": (1, 2)}, (2,), np.ones(3), ValueError, r"The reference has the shape \(3,\), but the target is \(2,\)."),
    ],
)
def test_what_makes_no_sense_is_refused(
    operands: Any, target: Any, reference: Any, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        explain_shapes(operands, target, reference)


@given(
    shapes=st.lists(st.lists(st.integers(0, 3), max_size=4).map(tuple), min_size=1, max_size=3),
    target=st.lists(st.integers(0, 3), max_size=4).map(tuple),
    came=st.none() | st.lists(st.integers(0, 3), max_size=4).map(tuple),
)
def test_nothing_fails_on_any_shapes(
    shapes: list[tuple[int, ...]], target: tuple[int, ...], came: tuple[int, ...] | None
) -> None:
    operands = dict(zip(("z", "delta", "W"), shapes, strict=False))
    assert "What gives" in str(explain_shapes(operands, target, given=came))
    arrays = {name: np.ones(s) for name, s in operands.items()}
    assert "What gives" in str(explain_shapes(arrays, target, np.ones(target), given=came))
