"""A derivation of somebody's is called on copies; what it does to them is noticed, and its errors are explained."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.calling import call_derivation, in_place
from manual_mlp import MLP, Dense, Evaluation

NAN = np.array([[np.nan, 1.0], [2.0, 3.0]])


def given() -> tuple[dict[str, np.ndarray], np.ndarray, np.ndarray]:
    return {"a/kernel": np.ones((2, 3)), "a/bias": np.zeros(3)}, NAN.copy(), np.ones((2, 3))


def _subtracts(p: Any, x: Any, y: Any) -> list[np.ndarray]:
    y -= 1
    return [x]


def _updates(p: Any, x: Any, y: Any) -> list[np.ndarray]:
    p["a/kernel"] += 1
    p["a/bias"] = np.ones(3)
    return [x]


def _turns(p: Any, x: Any, y: Any) -> list[np.ndarray]:
    x.shape = (4,)
    return [x]


CHANGES: dict[str, tuple[Callable[..., Any], tuple[str, ...]]] = {
    "nothing": (lambda p, x, y: [x - 1, y * 2], ()),
    "y": (_subtracts, ("y",)),
    "parameters": (_updates, ("a/kernel", "a/bias")),
    "a shape": (_turns, ("x",)),
    "a name": (lambda p, x, y: [p.pop("a/bias")], ("a/bias",)),
}


@pytest.mark.parametrize("name", CHANGES)
def test_what_is_changed_is_a_copy_and_is_named(name: str) -> None:
    function, changed = CHANGES[name]
    arguments = given()
    assert call_derivation(function, *arguments).changed == changed
    parameters, x, y = given()
    assert list(arguments[0]) == list(parameters)
    assert all(np.array_equal(arguments[0][n], a) for n, a in parameters.items())
    assert np.array_equal(arguments[1], x, equal_nan=True)
    assert np.array_equal(arguments[2], y)


def test_masks_are_passed_where_there_are_some() -> None:
    masks = {"dropout/mask": np.ones(2)}

    def halves(p: Any, x: Any, y: Any, draws: Any) -> list[np.ndarray]:
        draws["dropout/mask"] *= 0.5
        return [draws["dropout/mask"]]

    called = call_derivation(halves, *given(), masks)
    assert called.changed == ("dropout/mask",)
    assert called.gradients[0].tolist() == [0.5, 0.5]
    assert masks["dropout/mask"].tolist() == [1, 1]


@pytest.mark.parametrize("form", [lambda a: a, lambda a: {"w": a}, lambda a: [(a, a)], lambda a: (a, 1.0)])
def test_what_is_returned_cannot_be_overwritten_later(form: Callable[[Any], Any]) -> None:
    buffer = np.ones(2)
    gradients = call_derivation(lambda p, x, y: form(buffer), *given()).gradients
    buffer[:] = 7
    assert "7" not in str(gradients)


@pytest.mark.parametrize(("function", "who"), [(lambda p, x, y: None, "Your function"), (print, "Your function print")])
def test_a_forgotten_return_is_said(function: Callable[..., Any], who: str) -> None:
    with pytest.raises(TypeError, match=rf"^{who} returned None: expected the gradients\. Does it end without a ret"):
        call_derivation(function, *given())


def test_an_error_keeps_its_kind_and_says_what_was_passed() -> None:
    def unpacks(parameters: Any, x: Any, y: Any) -> object:
        kernel, _ = parameters
        return x @ kernel

    with pytest.raises(TypeError) as caught:
        call_derivation(unpacks, *given())
    (note,) = caught.value.__notes__
    assert note == (
        "It was called as f(parameters, x, y) with parameters, a dict of 'a/kernel' (2, 3), 'a/bias' (3,); x (2, 2); "
        "y (2, 3). Read a weight by its name: parameters['a/kernel']; all of them, in order: parameters.values()."
    )


def test_the_note_of_an_error_is_short_and_tells_of_masks() -> None:
    many = {f"layer_{i}/kernel": np.ones(1) for i in range(9)}
    with pytest.raises(IndexError) as caught:
        call_derivation(lambda *given: given[9], many, NAN, NAN, {})
    (note,) = caught.value.__notes__
    assert note.startswith(
        "It was called as f(parameters, x, y, draws) with parameters, a dict of 'layer_0/kernel' (1,)"
    )
    assert "'layer_3/kernel' (1,), …; x" in note


def test_a_remark_counts_what_was_changed() -> None:
    assert in_place(()) == ""
    assert in_place(("x", "y")).startswith("Your function changed its arguments x, y in place. ")


# compare, which calls a derivation so


def network() -> Evaluation:
    mlp, rng = MLP(2, [Dense(3)]), np.random.default_rng(0)
    x, y = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    return mlp.backpropagate(mlp.initialize(0, bias_initializer="normal(0.5)"), x, y, "half_sum_squared_error")


def _derived(p: Any, x: Any, delta: Any) -> dict[str, np.ndarray]:
    return {"dense_1/kernel": x.T @ delta, "dense_1/bias": delta.sum(axis=0)}


def _residual_in_place(p: Any, x: Any, y: Any) -> dict[str, np.ndarray]:
    y -= x @ p["dense_1/kernel"] + p["dense_1/bias"]
    return _derived(p, x, -y)


def _centred_in_place(p: Any, x: Any, y: Any) -> dict[str, np.ndarray]:
    x -= x.mean(axis=0)
    return _derived(p, x, x @ p["dense_1/kernel"] + p["dense_1/bias"] - y)


def test_a_right_derivation_that_writes_into_y_is_right_and_remarked() -> None:
    reference = network()
    y = reference.problem.y.copy()
    diff = compare(_residual_in_place, reference)
    assert diff.ok
    assert (diff.changed, np.array_equal(reference.problem.y, y)) == (("y",), True)
    assert diff.remark == in_place(("y",))
    assert in_place(("y",)) in str(diff).replace("\n", " ")


def test_a_wrong_derivation_that_writes_into_x_stays_wrong() -> None:
    reference = network()
    diff = compare(_centred_in_place, reference, trace=False)
    assert diff.verdict.name == "MISMATCH"
    assert diff.remark.startswith("Your function changed its argument x in place.")
    assert diff.remark.endswith("the guilty equation may be the one above it, δ = dE/dz (dense_1).")


def test_a_derivation_that_returns_nothing_is_refused() -> None:
    with pytest.raises(TypeError, match="returned None: expected the gradients"):
        compare(lambda p, x, y: None, network())


def _of_two(p: Any, x: Any) -> Any:
    return p


def _of_four(p: Any, x: Any, y: Any, more: Any) -> Any:
    return p


@pytest.mark.parametrize(
    ("function", "why"),
    [
        (_of_two, "_of_two(p: 'Any', x: 'Any') -> 'Any' cannot be called with (parameters, x, y): too many positional"),
        (
            _of_four,
            "cannot be called with (parameters, x, y): missing a required argument: 'more'. Expected a function",
        ),
    ],
)
def test_a_function_of_other_arguments_is_told_what_it_gets(function: Callable[..., Any], why: str) -> None:
    with pytest.raises(TypeError) as caught:
        call_derivation(function, *given())
    assert why in str(caught.value)


def test_a_function_that_hides_its_arguments_is_called_all_the_same() -> None:
    assert call_derivation(lambda *several: several[0], *given()).gradients.keys() == given()[0].keys()
