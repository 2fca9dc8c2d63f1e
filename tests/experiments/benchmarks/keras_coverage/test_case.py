from __future__ import annotations

import numpy as np

from experiments.benchmarks.keras_coverage.case import above, chain, integers, network, normal, prepared

# isort: split
from keras import layers


def test_a_case_is_the_same_each_time() -> None:
    first, again = (prepared(lambda: above(layers.Dropout(0.5), (4,))) for _ in range(2))
    np.testing.assert_equal(first.model.get_weights(), again.model.get_weights())
    np.testing.assert_equal((first.x, first.y), (again.x, again.y))


def test_no_weight_is_where_its_initializer_put_it() -> None:
    case = prepared(lambda: chain(layers.Dense(3), layers.BatchNormalization()))
    assert all(w.numpy().all() for w in case.model.trainable_weights)
    assert np.ptp(case.model.layers[1].gamma.numpy()) > 0


def test_targets_are_as_large_as_the_output_in_training() -> None:
    """RandomCrop gives smaller pictures in training only."""
    case = prepared(lambda: chain(layers.Dense(2), layers.RandomCrop(2, 2), shape=(4, 4, 1)))
    assert case.y.shape == (4, 2, 2, 2)


def test_it_is_compiled_as_it_says() -> None:
    case = prepared(lambda: chain(layers.Dense(3), loss="mae", optimizer="adam"))
    assert (case.model.loss, type(case.model.optimizer).__name__) == ("mae", "Adam")


def test_integers_reach_the_model_as_integers() -> None:
    case = prepared(lambda: network(layers.Embedding(5, 3), x=integers(5, 2)))
    assert case.x.dtype == np.int32
    assert case.model.input.dtype == "int32"
    assert normal(2).dtype == np.float32
