from __future__ import annotations

import numpy as np

from experiments.article_a_sine.article import as_parameters, data, draw, inv_sig, iterate, sigmoid


def test_the_data_are_100_points_of_the_sine() -> None:
    x, d = data()
    assert x.shape == d.shape == (100, 1)
    assert (x[0, 0], x[-1, 0]) == (-5, 5)
    np.testing.assert_array_equal(d, np.sin(x))


def test_weights_come_from_the_legacy_stream_weights_then_bias() -> None:
    weights, biases = draw(0)
    assert weights[0].round(3).tolist() == [[0.882, 0.2, 0.489, 1.12, 0.934]]
    assert [b.shape for b in biases] == [(1, 5), (1, 5), (1, 5), (1, 1)]


def test_the_sigmoid_and_its_derivative() -> None:
    assert (sigmoid(np.array(0.0)), inv_sig(np.array(0.0))) == (0.5, 0.25)


def test_one_iteration_gives_the_output_before_its_update() -> None:
    weights, biases = draw(0)
    y = iterate(*data(), weights, biases)
    assert y.shape == (100, 1)
    assert round(float(weights[3][0, 0]), 6) == 0.362109


def test_parameters_are_named_as_the_house_names_them_and_copied() -> None:
    weights, biases = draw(0)
    found = as_parameters(weights, biases)
    assert list(found)[-2:] == ["dense_4/kernel", "dense_4/bias"]
    assert (found["dense_4/kernel"].shape, found["dense_4/bias"].shape) == ((5, 1), (1,))
    weights[0][:] = 0
    assert found["dense_1/kernel"].all()
