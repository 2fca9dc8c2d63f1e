"""What has to be made again to be named: another matrix product, an upstream that is not used."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status
from gradient_diff.keras import check_function
from gradient_diff.render.causes import name

pytestmark = pytest.mark.matrix

RNG = np.random.default_rng(0)
A, B = RNG.normal(size=(3, 3)), RNG.normal(size=(3, 3))


@tf.custom_gradient
def product(a: Any, b: Any) -> Any:
    return a @ b, lambda u: (u @ b, a @ u)


@tf.custom_gradient
def bent(a: Any, b: Any) -> Any:
    return tf.tanh(a @ b), lambda u: (u @ b, tf.transpose(a) @ u)


@tf.custom_gradient
def dropped(x: Any) -> Any:
    return (tf.sin(x), tf.cos(x)), lambda u, v: u * tf.cos(x)


@tf.custom_gradient
def without_upstream(x: Any) -> Any:
    return (tf.sin(x), tf.cos(x)), lambda u, v: u * tf.cos(x) - tf.sin(x)


@tf.custom_gradient
def otherwise_wrong(x: Any) -> Any:
    return (tf.sin(x), tf.cos(x)), lambda u, v: u * tf.sin(x)


def both(x: Any) -> Any:
    return tf.sin(x), tf.cos(x)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("twin", [None, tf.matmul])
def test_a_factor_that_is_not_transposed(dtype: str, twin: Any) -> None:
    diff = check_function(product, [A.astype(dtype), B.astype(dtype)], twin)
    assert [(c.id, c.written, c.right) for c in diff.causes] == [
        ("backprop_untransposed", "u @ b", "u @ bᵀ"),
        ("backprop_untransposed", "a @ u", "aᵀ @ u"),
    ]
    assert name(diff.causes[0]) == "u @ b instead of u @ bᵀ, in inputs/a (backprop_untransposed)"


def test_a_product_of_something_else_is_not_claimed() -> None:
    diff = check_function(bent, [A, B])
    assert diff.verdict is Status.MISMATCH
    assert diff.causes == ()
    assert diff.unexplained.startswith("No known mistake")


@pytest.mark.parametrize("size", [(2, 3), (5, 5)])
@pytest.mark.parametrize("twin", [None, both])
@pytest.mark.parametrize(
    ("f", "mistake"), [(dropped, "upstream_dropped"), (without_upstream, "local_replaces_upstream")]
)
def test_an_upstream_that_is_not_used(f: Any, mistake: str, twin: Any, size: tuple[int, int]) -> None:
    """Of many entries some are asked, and directions."""
    diff = check_function(f, np.random.default_rng(1).normal(size=size), twin)
    assert diff.verdict is Status.MISMATCH
    assert [c.id for c in diff.causes] == [mistake]
    assert "output 1" in diff.causes[0].message


def test_an_unused_upstream_is_named_only_if_it_explains_all() -> None:
    assert check_function(otherwise_wrong, A).causes == ()
    assert check_function(dropped, A).causes[0].id == "upstream_dropped"
