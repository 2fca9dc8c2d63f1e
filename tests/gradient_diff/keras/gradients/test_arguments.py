"""The forms in which people bring gradients or weights, and each text for what is none of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

from gradient_diff.keras.gradients.arguments import as_named
from manual_mlp import Array

pytestmark = [pytest.mark.usefixtures("unnamed"), pytest.mark.matrix]

NAMES = ["a/kernel", "a/bias", "b/kernel", "b/bias"]
ARRAYS = [np.ones((2, 3)), np.ones(3), np.ones((3, 1)), np.ones(1)]
FORMS: dict[str, Any] = {
    "dict": dict(zip(NAMES, ARRAYS, strict=True)),
    "flat list": ARRAYS,
    "tuple": tuple(ARRAYS),
    "pairs": [(ARRAYS[0], ARRAYS[1]), (ARRAYS[2], ARRAYS[3])],
    "lists of two": [ARRAYS[:2], ARRAYS[2:]],
}


@pytest.mark.parametrize("form", FORMS)
def test_each_form_comes_to_names_in_the_models_order(form: str) -> None:
    named = as_named("gradients", FORMS[form], NAMES)
    assert list(named) == NAMES
    assert all(named[n] is a or np.array_equal(named[n], a) for n, a in zip(NAMES, ARRAYS, strict=True))


def test_a_dict_may_leave_something_out_and_stand_in_any_order() -> None:
    assert list(as_named("gradients", {"b/bias": ARRAYS[3], "a/kernel": ARRAYS[0]}, NAMES)) == ["a/kernel", "b/bias"]


def test_anything_that_numpy_takes_for_an_array_of_numbers_will_do() -> None:
    named = as_named("gradients", {"a/bias": [1, 2, 3]}, NAMES)
    assert named["a/bias"].tolist() == [1, 2, 3]


def _refused(kind: type[Exception], text: str, given: object) -> None:
    with pytest.raises(kind, match=f"^{re.escape(text)}$"):
        as_named("gradients", given, NAMES)


def test_an_unknown_name_lists_the_models() -> None:
    text = "gradients: unknown names c/kernel. The model has a/kernel, a/bias, b/kernel, b/bias."
    _refused(ValueError, text, {"c/kernel": ARRAYS[0]})


def test_names_that_are_paths_of_keras_are_told_what_to_drop() -> None:
    text = (
        "gradients: unknown names sequential/a/kernel, sequential/a/bias. The model has a/kernel, a/bias, b/kernel, "
        "b/bias. Drop 'sequential/' from yours: they are <layer.name>/<weight.name>, not weight.path."
    )
    _refused(ValueError, text, {"sequential/a/kernel": ARRAYS[0], "sequential/a/bias": ARRAYS[1]})
    both = {"one/a/kernel": ARRAYS[0], "two/a/bias": ARRAYS[1]}
    _refused(ValueError, f"gradients: unknown names one/a/kernel, two/a/bias. The model has {', '.join(NAMES)}.", both)


@pytest.mark.parametrize("loss", [0.3, np.float32(0.3), np.array(0.3)])
@pytest.mark.parametrize("form", FORMS)
def test_a_loss_beside_the_gradients_is_seen(form: str, loss: object) -> None:
    text = "gradients holds a number beside the arrays, the loss by the look of it. Give the arrays alone."
    _refused(ValueError, text, (loss, FORMS[form]))
    _refused(ValueError, text, [FORMS[form], loss])


def test_two_weights_without_a_loss_are_taken() -> None:
    assert as_named("gradients", [ARRAYS[0], ARRAYS[1]], NAMES[:2]).keys() == set(NAMES[:2])
    assert as_named("gradients", [ARRAYS[0], 0.5], NAMES[:2])["a/bias"] == 0.5


def test_another_number_of_arrays_is_counted() -> None:
    text = "gradients holds 3 arrays, but the model has 4 weights: a/kernel, a/bias, b/kernel, b/bias."
    _refused(ValueError, text, ARRAYS[:3])
    _refused(ValueError, text, [(ARRAYS[0], ARRAYS[1]), ARRAYS[2]])


@pytest.mark.parametrize("given", [3, "kernel", b"kernel", {1, 2}, np.ones(4)])
def test_another_form_is_refused(given: object) -> None:
    text = (
        f"gradients is {type(given).__name__}: expected a dict by name, a flat list in the order of "
        "model.trainable_weights, or a list of (kernel, bias) pairs."
    )
    _refused(TypeError, text, given)


@pytest.mark.parametrize(
    ("value", "dtype"), [([True], "bool"), (["x"], "<U1"), ([None], "object"), ([1j], "complex128")]
)
def test_arrays_must_hold_numbers(value: object, dtype: str) -> None:
    text = re.escape(f"gradients['a/bias'] is {dtype}: expected an array of numbers.")
    with pytest.raises(TypeError, match=f"^{text}"):
        as_named("gradients", {"a/bias": value}, NAMES)


def test_what_is_masked_is_no_gradient() -> None:
    text = "gradients['a/bias'] is a masked array: what is masked is no number. Pass array.filled(0)."
    _refused(TypeError, text, {"a/bias": np.ma.array(np.ones(2), mask=[True, False])})


HANDED: dict[str, Callable[[Array], Any]] = {
    "tf.Tensor": tf.constant,
    "tf.Variable": tf.Variable,
    "keras.Variable": keras.Variable,
    "DataFrame": pd.DataFrame,
}


@pytest.mark.parametrize("kind", HANDED)
@pytest.mark.parametrize("form", ["dict", "flat list", "pairs"])
def test_tensors_variables_and_tables_are_arrays(form: str, kind: str) -> None:
    first = HANDED[kind](ARRAYS[0] * 3)
    given = {"dict": {"a/kernel": first}, "flat list": [first, *ARRAYS[1:]], "pairs": [(first, ARRAYS[1]), ARRAYS[2:]]}
    assert np.array_equal(as_named("gradients", given[form], NAMES)["a/kernel"], ARRAYS[0] * 3)


def test_a_column_of_a_table_is_an_array() -> None:
    assert as_named("gradients", {"a/bias": pd.Series([1, 2, 3])}, NAMES)["a/bias"].tolist() == [1, 2, 3]


def test_equal_rows_of_an_embeddings_gradient_are_added() -> None:
    slices = tf.IndexedSlices(tf.constant([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]), tf.constant([2, 0, 2]), (4, 2))
    dense = [[3.0, 4.0], [0.0, 0.0], [6.0, 8.0], [0.0, 0.0]]
    for given in (slices, tf.IndexedSlices(slices.values, slices.indices, tf.constant([4, 2]))):
        for form in ({"a/kernel": given}, [given, ARRAYS[1]], [(given, ARRAYS[1])]):
            assert as_named("gradients", form, NAMES[:2])["a/kernel"].tolist() == dense
    text = "gradients['a/kernel'] is IndexedSlices of unknown shape. Give them a dense_shape=, the weight's."
    _refused(ValueError, text, {"a/kernel": tf.IndexedSlices(slices.values, slices.indices)})


def test_layers_within_a_layer_are_told_apart_in_pairs() -> None:
    names = ["inner/a/kernel", "inner/b/kernel", "inner/b/bias", "out/kernel"]
    given = [(ARRAYS[0], None), (ARRAYS[1], ARRAYS[2]), (ARRAYS[3], None)]
    assert all(a is b for a, b in zip(as_named("gradients", given, names).values(), ARRAYS, strict=True))


def test_of_two_names_that_end_a_path_the_longer_is_meant() -> None:
    names = ["a/kernel", "inner/a/kernel", "inner/b/kernel"]
    yours = {f"outer/{n}": ARRAYS[0] for n in names}
    with pytest.raises(ValueError, match=r" Drop 'outer/' from yours: they are <layer\.name>/<weight\.name>"):
        as_named("gradients", yours, names)


def test_a_gradient_that_is_none_was_not_computed() -> None:
    text = (
        "gradients of a/bias: None. The tape saw no path from there to the loss: NumPy on the way, another model, or a "
        "weight that was not watched? Where nothing depends on a weight, pass zeros for it."
    )
    _refused(TypeError, text, {"a/bias": None})
    _refused(TypeError, text, [ARRAYS[0], None, *ARRAYS[2:]])
    _refused(TypeError, text, [(ARRAYS[0], None), (ARRAYS[2], ARRAYS[3])])
    with pytest.raises(TypeError, match=re.escape(text)):
        as_named("gradients", [ARRAYS[0].tolist(), None], NAMES[:2])


def test_the_bias_of_a_layer_without_one_may_be_none() -> None:
    names = ["a/kernel", "b/kernel", "b/bias", "c/kernel"]
    arrays = [ARRAYS[0], ARRAYS[2], ARRAYS[3], np.ones((1, 1))]
    named = as_named("gradients", [(arrays[0], None), (arrays[1], arrays[2]), (arrays[3], None)], names)
    assert list(named) == names
    assert all(named[n] is a for n, a in zip(names, arrays, strict=True))


@pytest.mark.parametrize("form", ["dict", "flat list", "pairs", "lists of two"])
def test_lists_of_numbers_are_arrays(form: str) -> None:
    given = FORMS[form]
    listed: Any = {n: a.tolist() for n, a in given.items()} if isinstance(given, dict) else None
    if listed is None:
        listed = [a.tolist() if isinstance(a, np.ndarray) else type(a)(b.tolist() for b in a) for a in given]
    named = as_named("gradients", listed, NAMES)
    assert all(np.array_equal(named[n], a) for n, a in zip(NAMES, ARRAYS, strict=True))


def test_rows_of_several_lengths_are_no_array() -> None:
    with pytest.raises(ValueError, match=r"^gradients\['a/bias'\] cannot be read as an array: "):
        as_named("gradients", {"a/bias": [[1.0], [2.0, 3.0]]}, NAMES)


def test_frozen_weights_may_be_given_left_out_or_none() -> None:
    trainable = NAMES[2:]
    for given, names in (
        (ARRAYS[2:], trainable),
        (ARRAYS, NAMES),
        ([(ARRAYS[0], ARRAYS[1]), (ARRAYS[2], ARRAYS[3])], NAMES),
        ([None, None, *ARRAYS[2:]], trainable),
        ([(ARRAYS[0], None), (ARRAYS[2], ARRAYS[3])], ["a/kernel", *trainable]),
        ({"a/bias": ARRAYS[1], "b/bias": ARRAYS[3]}, ["a/bias", "b/bias"]),
    ):
        assert list(as_named("gradients", given, trainable, NAMES)) == names


def test_another_number_of_arrays_counts_the_frozen_ones_apart() -> None:
    text = "gradients holds 3 arrays, but the model has 2 trainable weights, and 2 frozen ones: b/kernel, b/bias."
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        as_named("gradients", ARRAYS[:3], NAMES[2:], NAMES)


# names of one's own


def test_names_of_ones_own_are_renamed() -> None:
    mine = {"w": ARRAYS[0], "a/bias": ARRAYS[1]}
    assert list(as_named("gradients", mine, NAMES, renamed={"w": "a/kernel"})) == ["a/kernel", "a/bias"]


@pytest.mark.parametrize(
    ("given", "renamed", "text"),
    [
        ({"w": ARRAYS[0]}, {"v": "a/bias"}, "names= renames v, which gradients has not: w."),
        (
            {"w": ARRAYS[0], "a/kernel": ARRAYS[0]},
            {"w": "a/kernel"},
            "names= sends two of gradients's arrays to one name: {'w': 'a/kernel'}.",
        ),
        (ARRAYS, {"w": "a/kernel"}, "names= renames what stands in a dict, but gradients is list, told by order."),
    ],
)
def test_names_that_rename_nothing_are_refused(given: object, renamed: dict[str, str], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        as_named("gradients", given, NAMES, renamed=renamed)
