"""The problems that code is traced on: small, and with sizes that nothing can confuse."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from gradient_diff.source.known import Known
from gradient_diff.source.small import SAMPLES, drawn_anew, problems_to_trace, widened
from manual_mlp import MLP, Activation, Dense, Dropout, Problem
from manual_mlp.extend import draw_data
from manual_mlp.layers import BatchNormalization, LayerNormalization, RMSNormalization


def drawn(mlp: MLP, batch: int = 20, loss: str = "mse") -> Problem:
    rng = np.random.default_rng(0)
    return mlp.problem(mlp.initialize(rng), *draw_data(rng, batch, mlp, loss), loss)


WIDE = drawn(MLP(50, [Dense(40, "tanh"), Dense(30, "relu"), Dense(10)]))


def widths(problem: Problem) -> tuple[int, ...]:
    return (problem.mlp.inputs, *problem.mlp.units)


def test_the_smallest_first() -> None:
    found = list(problems_to_trace(WIDE))
    assert [widths(p) for p in found] == [(4, 3, 6, 7), *[(50, 40, 30, 10)] * 3]
    assert [p.batch for p in found] == [SAMPLES, SAMPLES, SAMPLES, 20]
    assert [layer.activation for layer in found[0].mlp.layers] == ["tanh", "relu", "linear"]
    np.testing.assert_array_equal(found[2].x, WIDE.x[:SAMPLES])
    np.testing.assert_array_equal(found[3].y, WIDE.y)


def test_of_few_samples_none_is_left_out() -> None:
    assert [p.batch for p in problems_to_trace(drawn(WIDE.mlp, 3))] == [5, 5, 3]


@pytest.mark.parametrize("depth", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("which", [0, 1])
def test_sizes_are_apart(depth: int, which: int) -> None:
    """Else a value of one width could be one of another, and a factor N one of K."""
    problem = drawn(MLP(8, [Dense(8, "tanh") for _ in range(depth)]))
    small = next(problems_to_trace(problem)) if not which else widened(problem, 0)
    assert small is not None
    sizes = (small.batch, *widths(small))
    assert len(set(sizes)) == len(sizes)
    factors = Known(small).factors
    n, k = small.batch, small.mlp.units[-1]
    assert {"N", "K", "2", "4", "N·K", "K/2", "N·K/2"} <= factors.keys()
    assert [factors[name] for name in ("N", "K", "K/2", "N·K/2")] == [n, k, k / 2, n * k / 2]


def test_a_normalisation_has_the_width_of_what_it_normalises() -> None:
    layers = [
        Dense(9, use_bias=False),
        BatchNormalization(),
        Activation("relu"),
        Dense(8, "tanh"),
        LayerNormalization(),
    ]
    found = next(problems_to_trace(drawn(MLP(5, [*layers, RMSNormalization(), Dense(2)]))))
    assert widths(found) == (4, 3, 3, 3, 6, 6, 6, 7)
    assert [type(a) for a in found.mlp.layers][:5] == [type(a) for a in layers]
    assert not np.isin(found.parameters["batch_normalization_1/gamma"], (0, 1)).any()


def test_other_widths_a_second_time() -> None:
    second = widened(WIDE, 0)
    assert second is not None
    assert widths(second) == (3, 6, 7, 9)


def test_one_output_stays_one() -> None:
    single = drawn(MLP(8, [Dense(8, "tanh"), Dense(1, "sigmoid")]), loss="binary_crossentropy")
    assert [p.mlp.units[-1] for p in problems_to_trace(single)] == [1, 1, 1, 1]


def test_layers_that_have_no_other_width() -> None:
    """The draws of a dropout are the caller's, so are the weights of his samples: only his own are cut."""
    mlp = MLP(4, [Dense(3, "tanh"), Dropout(0.5), Dense(2)])
    x, y = draw_data(np.random.default_rng(0), 20, mlp, "mse")
    problem = mlp.problem(mlp.initialize(0), x, y, "mse", draws=mlp.draws(0, 20))
    problem = replace(problem, sample_weight=np.arange(20.0))
    assert widened(problem, 0) is None
    first, own = problems_to_trace(problem)
    assert first.draws["dropout_1/mask"].shape == (SAMPLES, 3)
    np.testing.assert_array_equal(first.sample_weight, np.arange(5.0))  # type: ignore[arg-type]  # it is there
    assert own.batch == 20


def test_a_net_too_deep_keeps_its_widths() -> None:
    deep = drawn(MLP(8, [Dense(8, "tanh") for _ in range(7)]))
    assert widened(deep, 0) is None
    assert widths(next(problems_to_trace(deep))) == (8,) * 8


def test_drawn_anew() -> None:
    again, other = drawn_anew(WIDE, 1), drawn_anew(WIDE, 2, 7)
    assert (again.mlp, again.batch, other.batch) == (WIDE.mlp, 20, 7)
    assert again.loss == WIDE.loss
    for name, weight in WIDE.parameters.items():
        assert not np.array_equal(again.parameters[name], weight)
        assert not np.array_equal(again.parameters[name], other.parameters[name])
        assert again.parameters[name].any()  # a bias of zeros would be known by nothing


def test_it_is_in_float64() -> None:
    mlp = WIDE.mlp
    half = {n: a.astype(np.float32) for n, a in WIDE.parameters.items()}
    problem = mlp.problem(half, WIDE.x.astype(np.float32), WIDE.y.astype(np.float32), "mse")
    for small in problems_to_trace(problem):
        assert {a.dtype for a in (small.x, small.y, *small.parameters.values())} == {np.dtype(float)}
