import math
from typing import Any

import numpy as np
import pytest

from manual_mlp import INITIALIZERS, MLP, Dense
from manual_mlp.network.initializers import generator, initializer

SHAPE = (300, 200)
FANS = {"glorot": 2 / (300 + 200), "he": 2 / 300}


def draw(name: str, shape: tuple[int, ...] = SHAPE) -> Any:
    return initializer(name)(np.random.default_rng(42), shape)


@pytest.mark.parametrize(
    ("name", "variance", "excess"),
    [
        ("glorot_uniform", FANS["glorot"], 0.8),  # E x⁴ = 9/5 σ⁴
        ("he_uniform", FANS["he"], 0.8),
        ("glorot_normal", FANS["glorot"], 2.0),  # below the normal's 3 σ⁴
        ("he_normal", FANS["he"], 2.0),
        ("normal(0.5)", 0.25, 2.0),
        ("normal(1e-2)", 1e-4, 2.0),
    ],
)
def test_means_and_variances(name: str, variance: float, excess: float) -> None:
    values = draw(name)
    n = values.size
    # The mean scatters by σ/√n, the mean square by σ² √(excess/n) with excess = E x⁴/σ⁴ − 1; 5 of these deviations
    # leave room for one draw in two million. With n = 60,000 a missing factor, as 1/0.88 of the truncation, is 20 off.
    assert abs(values.mean()) <= 5 * math.sqrt(variance / n)
    assert abs((values**2).mean() / variance - 1) <= 5 * math.sqrt(excess / n)


@pytest.mark.parametrize(("name", "variance"), [("glorot_normal", FANS["glorot"]), ("he_normal", FANS["he"])])
def test_the_normal_is_cut_at_two_of_its_deviations(name: str, variance: float) -> None:
    before = math.sqrt(variance) / 0.87962566103423978  # of the normal that is cut
    values = abs(draw(name))
    # 60,000 draws, density 0.057 a side: within 0.01 of the edge some 700 of them.
    assert 1.99 * before < values.max() <= 2 * before * (1 + 2.0**-52)


def test_the_deviation_of_a_cut_normal() -> None:
    # Var = 1 − 2·2 φ(2)/(2 Φ(2) − 1), from ∫ x² φ = [−x φ] + ∫ φ
    density, inside = math.exp(-2) / math.sqrt(2 * math.pi), math.erf(2 / math.sqrt(2))
    assert math.sqrt(1 - 4 * density / inside) == pytest.approx(0.87962566103423978, rel=1e-15)


@pytest.mark.parametrize(("name", "variance"), [("glorot_uniform", FANS["glorot"]), ("he_uniform", FANS["he"])])
def test_the_uniform_ends_at_root_three_deviations(name: str, variance: float) -> None:
    limit = math.sqrt(3 * variance)
    assert 0.999 * limit < abs(draw(name)).max() <= limit  # 60,000 draws: 60 of them lie above 0.999


def test_a_vector_counts_as_both_fans() -> None:
    assert abs(draw("glorot_uniform", (6,))).max() <= math.sqrt(3 * 2 / 12)
    assert abs(draw("glorot_uniform", (60000,))).max() > 0.999 * math.sqrt(3 / 60000)


def test_zeros() -> None:
    assert not draw("zeros").any()
    assert draw("normal(0)").tolist() == np.zeros(SHAPE).tolist()


def test_a_layer_is_drawn_with_its_own_fans() -> None:
    parameters = MLP(3, [Dense(50), Dense(2)]).initialize(1, "he_uniform")
    assert abs(parameters["dense_1/kernel"]).max() <= math.sqrt(3 * 2 / 3)
    assert 0.5 * math.sqrt(3 * 2 / 50) < abs(parameters["dense_2/kernel"]).max() <= math.sqrt(3 * 2 / 50)
    assert not parameters["dense_1/bias"].any()


# seeds


def test_the_legacy_stream_is_drawn_weights_then_bias_layer_by_layer() -> None:
    mlp = MLP(1, [Dense(5, "sigmoid"), Dense(5, "sigmoid"), Dense(5, "sigmoid"), Dense(1)])
    found = mlp.initialize(np.random.RandomState(0), "normal(0.5)", "normal(0.5)")
    stream = np.random.RandomState(0)
    shapes = [(1, 5), (5,), (5, 5), (5,), (5, 5), (5,), (5, 1), (1,)]
    assert [a.shape for a in found.values()] == shapes
    for name, shape in zip(found, shapes, strict=True):
        np.testing.assert_array_equal(found[name], stream.normal(0, 0.5, shape), err_msg=name)


def test_an_int_is_a_fresh_generator_each_time() -> None:
    mlp = MLP(2, [Dense(3)])
    first, second, other = mlp.initialize(7), mlp.initialize(np.int64(7)), mlp.initialize(8)
    np.testing.assert_array_equal(first["dense_1/kernel"], second["dense_1/kernel"])
    assert (first["dense_1/kernel"] != other["dense_1/kernel"]).all()
    again = mlp.initialize(np.random.default_rng(7))
    np.testing.assert_array_equal(first["dense_1/kernel"], again["dense_1/kernel"])


def test_a_generator_keeps_its_place() -> None:
    rng, mlp = np.random.default_rng(0), MLP(2, [Dense(3)])
    assert generator(rng) is rng
    assert (mlp.initialize(rng)["dense_1/kernel"] != mlp.initialize(rng)["dense_1/kernel"]).all()
    legacy = np.random.RandomState(0)
    assert generator(legacy) is legacy


def test_a_dtype_is_the_float64_draw_rounded_once() -> None:
    mlp = MLP(2, [Dense(3)])
    double, single = mlp.initialize(0), mlp.initialize(0, dtype="float32")
    for name, array in double.items():
        np.testing.assert_array_equal(single[name], array.astype("float32"))
        assert single[name].dtype == "float32"


@pytest.mark.parametrize(
    ("seed", "error", "message"),
    [
        ("0", TypeError, "seed is str: expected an int, a numpy Generator or a RandomState."),
        (None, TypeError, "seed is NoneType: expected an int, a numpy Generator or a RandomState."),
        (True, TypeError, "seed is bool: expected an int, a numpy Generator or a RandomState."),
        (1.0, TypeError, "seed is float: expected an int, a numpy Generator or a RandomState."),
        (-1, ValueError, "seed=-1: expected 0 or more."),
    ],
)
def test_a_bad_seed(seed: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        generator(seed)
    assert str(caught.value) == message


# names


@pytest.mark.parametrize(
    ("name", "hint"),
    [("he_unifrom", " Did you mean 'he_uniform'?"), ("Zeros", " Did you mean 'zeros'?"), ("orthogonal", "")],
)
def test_an_unknown_name_gets_the_nearest_one(name: str, hint: str) -> None:
    with pytest.raises(ValueError, match="Unknown") as error:
        initializer(name)
    known = "Known: glorot_normal, glorot_uniform, he_normal, he_uniform, normal(0.5), zeros."
    assert str(error.value) == f"Unknown initializer '{name}'.{hint} {known}"


@pytest.mark.parametrize("name", ["normal(-1)", "normal(1e999)"])
def test_a_deviation_is_finite_and_not_negative(name: str) -> None:
    with pytest.raises(ValueError, match="normal") as error:
        initializer(name)
    assert str(error.value) == f"{name}: expected a standard deviation of 0 or more."


@pytest.mark.parametrize("name", ["normal(--)", "normal(1e)", "normal(.)", "normal()", "normal(nan)"])
def test_a_deviation_that_is_no_number(name: str) -> None:
    with pytest.raises(ValueError, match="normal") as error:
        initializer(name)
    assert str(error.value).startswith(f"Unknown initializer '{name}'. Did you mean ")


@pytest.mark.parametrize("name", ["normal(2)", "normal( 2. )", "normal(+.2e1)", "normal(20e-1)"])
def test_a_deviation_may_be_written_in_any_way(name: str) -> None:
    np.testing.assert_array_equal(draw(name, (3,)), draw("normal(2.0)", (3,)))


def test_the_list() -> None:
    assert sorted(INITIALIZERS) == ["glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "zeros"]
