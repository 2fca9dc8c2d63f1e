"""What compare and its friends cannot take: a sentence that names the argument and the cure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import keras
import ml_dtypes
import numpy as np
import pytest
import tensorflow as tf
from scipy import sparse

import gradient_diff
from gradient_diff import assert_gradients_match, compare, drawn_noise, rounding_noise
from manual_mlp import MLP, Dense

MINE, OTHER = {"w": np.array([1.0, 2.0])}, {"w": np.array([1.0, 2.1])}
MLP_OF_ONE = MLP(2, [Dense(1)])

SIDES: dict[str, tuple[Callable[[], Any], str]] = {
    "a number for a name": (lambda: {1: MINE["w"]}, "has the key 1, which is int: expected names as text"),
    "a tuple for a name": (lambda: {("d", 1): MINE["w"]}, "has the key .*which is tuple: expected names as text"),
    "bytes for a name": (lambda: {b"w": MINE["w"]}, "which is bytes: expected names as text"),
    "None for a name": (lambda: {None: MINE["w"]}, "which is NoneType: expected names as text"),
    "a model": (
        lambda: keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)]),
        "A model holds weights.*check_gr",
    ),
    "a description": (lambda: MLP_OF_ONE, r"is MLP: .*backpropagate\(parameters, x, y, loss\)"),
    "a class": (lambda: dict, "is type: .*It is a class: give an object"),
    "a list": (lambda: [MINE["w"]], r"is list: .*dict\(zip\(names, arrays\)\)"),
    "a path": (lambda: "mine.npz", r"is str: .*read_gradients\(path\)"),
    "nested dicts": (lambda: {"w": {"kernel": MINE["w"]}}, r"\['w'\] is dict: .*Give each array a name of its own"),
    "truths": (lambda: {"w": np.array([True, False])}, r"\['w'\] is bool: .*astype\('float32'\)"),
    "complex": (lambda: {"w": np.array([1j, 2])}, r"\['w'\] is complex128: .*its real and its imaginary part"),
    "float8": (
        lambda: {"w": MINE["w"].astype(ml_dtypes.float8_e4m3fn)},
        r"\['w'\] is float8_e4m3fn: .*Nothing is known of its rounding",
    ),
    "int4": (lambda: {"w": MINE["w"].astype(ml_dtypes.int4)}, r"\['w'\] is int4: .*astype\('float32'\)"),
    "SciPy's sparse": (lambda: {"w": sparse.csr_array(np.eye(2))}, r"\['w'\] is csr_array: .*its \.toarray\(\)"),
    "IndexedSlices": (
        lambda: {"w": tf.IndexedSlices(tf.ones((1, 2)), tf.constant([0]), tf.constant([3, 2]))},
        r"\['w'\] is IndexedSlices: .*It is sparse: give tf\.convert_to_tensor",
    ),
    "sparse tensors": (lambda: {"w": tf.sparse.from_dense([[1.0, 0.0]])}, r"is SparseTensor: .*tf\.sparse\.to_dense"),
    "ragged tensors": (lambda: {"w": tf.ragged.constant([[1.0], [1.0, 2.0]])}, r"is RaggedTensor: .*to_tensor\(\)"),
    "masked": (lambda: {"w": np.ma.masked_array(MINE["w"])}, r"\['w'\] is a masked array"),
    "text": (lambda: {"w": "abc"}, r"\['w'\] is <U3: expected an array of numbers"),
    "None": (lambda: {"w": None}, r"\['w'\] is None: no gradient was computed"),
}


@pytest.mark.parametrize("place", ["hand", "reference", "noise"])
@pytest.mark.parametrize("case", SIDES)
@pytest.mark.parametrize("function", [compare, assert_gradients_match])
def test_what_is_no_dict_of_arrays(function: Callable[..., Any], case: str, place: str) -> None:
    make, words = SIDES[case]
    given = {"hand": MINE, "reference": OTHER, "noise": None} | {place: make()}
    with pytest.raises(TypeError, match=f"^{place}.*{words}"):
        function(given["hand"], given["reference"], noise=given["noise"])


OPTIONS: dict[str, tuple[dict[str, Any], type[Exception], str]] = {
    "names, a list": ({"names": ["a"]}, TypeError, "names is list: expected a dict, hand's name → reference's name"),
    "names, text": ({"names": "w"}, TypeError, "names is str: expected a dict"),
    "names, empty list": ({"names": []}, TypeError, "names is list: expected a dict"),
    "names to a number": ({"names": {"w": 1}}, TypeError, "names renames 'w' to 1: expected a dict"),
    "names from a number": ({"names": {1: "w"}}, TypeError, "names renames 1 to 'w': expected a dict"),
    "rtol, a truth": ({"rtol": True}, TypeError, "rtol=True is a bool: expected one number, such as 1e-6"),
    "rtol, text": ({"rtol": "1e-3"}, TypeError, "rtol='1e-3' is str: expected one number"),
    "rtol, a list": ({"rtol": [1e-3]}, TypeError, r"rtol=\[0.001\] is list: expected one number"),
    "rtol, negative": ({"rtol": -1.0}, ValueError, "rtol=-1.0: expected a finite number above 0"),
    "rtol, NaN": ({"rtol": float("nan")}, ValueError, "rtol=nan: expected a finite number above 0"),
    "sizes, zero": ({"sizes": (0, 1)}, ValueError, r"sizes=\(0, 1\): expected \(N, K\), two whole numbers above 0"),
    "sizes, one": ({"sizes": (1,)}, TypeError, r"sizes=\(1,\): expected \(N, K\)"),
    "sizes, a number": ({"sizes": 5}, TypeError, r"sizes=5: expected \(N, K\)"),
    "sizes, text": ({"sizes": ("a", "b")}, ValueError, r"expected \(N, K\), two whole numbers above 0"),
    "sizes, truths": ({"sizes": (True, True)}, ValueError, r"expected \(N, K\), two whole numbers above 0"),
    "sizes, a half": ({"sizes": (1.5, 2)}, ValueError, r"expected \(N, K\), two whole numbers above 0"),
    "witness, text": ({"witness": "x"}, TypeError, "witness is str: expected a function"),
    "witness, None": (
        {"witness": lambda name, way: None, "rtol": 1e-9},
        TypeError,
        "witness returned None for 'w': expected two numbers",
    ),
    "witness, one number": (
        {"witness": lambda name, way: 1.0, "rtol": 1e-9},
        TypeError,
        "witness returned 1.0 for 'w': expected two numbers",
    ),
}


@pytest.mark.parametrize("case", OPTIONS)
@pytest.mark.parametrize("function", [compare, assert_gradients_match])
def test_options_that_cannot_be(function: Callable[..., Any], case: str) -> None:
    options, kind, words = OPTIONS[case]
    with pytest.raises(kind, match=words):
        function(MINE, OTHER, **options)


@pytest.mark.parametrize("sizes", [(3, 2), [3, 2], np.array([3, 2])])
def test_sizes_may_be_any_pair(sizes: Any) -> None:
    assert compare(MINE, OTHER, sizes=sizes, rtol=1e-6).verdict.bad


FRIENDS: dict[str, tuple[Callable[[], Any], type[Exception], str]] = {
    "no draw": (lambda: drawn_noise(MINE, [], ""), ValueError, "errors is empty: without a draw"),
    "one dict": (lambda: drawn_noise(MINE, MINE, ""), TypeError, "errors is dict: expected a list of dicts"),  # type: ignore[arg-type]  # odd
    "a name is missing": (lambda: drawn_noise(MINE, [{}], ""), ValueError, r"errors\[0\] has no array .* for w"),
    "another shape": (lambda: drawn_noise(MINE, [{"w": np.ones(3)}], ""), ValueError, "of the right shape for w"),
    "a list": (lambda: drawn_noise([1.0], [[1.0]], ""), TypeError, "values is list: expected a dict"),  # type: ignore[arg-type,list-item]  # odd
    "no problem": (lambda: rounding_noise(None), TypeError, "problem is NoneType: expected a Problem"),  # type: ignore[arg-type]  # odd
    "measure": (lambda: gradient_diff.measure("a", "b"), TypeError, "hand is <U1: expected an array of real numbers"),  # type: ignore[arg-type]  # odd
}


@pytest.mark.parametrize("case", FRIENDS)
def test_friends(case: str) -> None:
    call, kind, words = FRIENDS[case]
    with pytest.raises(kind, match=words):
        call()


def test_misspelt_names_suggest_the_nearest() -> None:
    from gradient_diff.keras import check_function

    with pytest.raises(ValueError, match=r"Unknown mode 'eagre': expected eager, graph, xla\. Did you mean 'eager'\?"):
        check_function(tf.sin, np.ones(2), mode="eagre")  # type: ignore[arg-type]  # odd
    weights = MLP_OF_ONE.initialize(0)
    with pytest.raises(ValueError, match=r"Unknown loss .*Did you mean 'mean_squared_error'\?"):
        MLP_OF_ONE.backpropagate(weights, np.ones((1, 2)), np.ones((1, 1)), "mean_square_error")
