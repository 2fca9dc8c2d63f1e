import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_mlp import (
    MLP,
    SGD,
    Adam,
    Array,
    Dense,
    History,
    Loss,
    Optimizer,
    Problem,
    Progress,
    RMSprop,
    train,
)

Problems = Callable[..., st.SearchStrategy[Problem]]

MLP_3_2 = MLP(3, [Dense(4, "tanh"), Dense(5, "sigmoid", use_bias=False), Dense(2, "softmax")])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(10, 3)), np.eye(2)[RNG.integers(0, 2, 10)]
LOSS = "categorical_crossentropy"


def descended(parameters: dict[str, Array], gradients: dict[str, Array], learning_rate: float) -> dict[str, Array]:
    return {name: w - w.dtype.type(learning_rate) * gradients[name] for name, w in parameters.items()}


# one step after the other


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_full_batches_are_a_loop_of_backpropagate_and_update(dtype: str) -> None:
    start = MLP_3_2.initialize(0, dtype=dtype)
    found, history = train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.3, epochs=20)
    expected, losses = start, []
    for _ in range(20):
        evaluation = MLP_3_2.backpropagate(expected, X, Y, LOSS)
        losses.append(evaluation.loss)
        expected = descended(expected, evaluation.gradients, 0.3)
    assert list(found) == list(start)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)  # the same operations in the same order: no rounding apart
        assert found[name].dtype == dtype
    # E of a batch is multiplied by N and divided by N again: two roundings
    assert history.epochs == list(range(1, 21))
    np.testing.assert_allclose(history.loss, losses, rtol=4 * 2.0**-53, atol=0)


def test_mini_batches_are_a_loop_over_a_permutation() -> None:
    start = MLP_3_2.initialize(0)
    found, history = train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.3, epochs=3, batch_size=4, seed=5)
    expected, order = start, np.random.default_rng(5)
    for epoch in range(3):
        chosen, total = order.permutation(10), 0.0
        for rows in (chosen[:4], chosen[4:8], chosen[8:]):
            evaluation = MLP_3_2.backpropagate(expected, X[rows], Y[rows], LOSS)
            total += evaluation.loss * len(rows)
            expected = descended(expected, evaluation.gradients, 0.3)
        assert history.loss[epoch] == total / 10
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


@given(data=st.data())
@settings(deadline=None, max_examples=60, derandomize=True)
def test_one_step_of_any_network_is_its_gradient(problems: Problems, data: st.DataObject) -> None:
    p = data.draw(problems(np.float64).filter(lambda p: p.fused == p.mlp.fuses(p.loss)))
    found, history = train(p.mlp, p.parameters, p.x, p.y, p.loss, learning_rate=0.5, epochs=1)
    evaluation = p.mlp.backpropagate(p.parameters, p.x, p.y, p.loss)
    for name, array in descended(dict(p.parameters), evaluation.gradients, 0.5).items():
        np.testing.assert_array_equal(found[name], array)
    assert history.loss == [pytest.approx(evaluation.loss, rel=4 * 2.0**-53)]


def test_a_step_by_pencil() -> None:
    mlp = MLP(1, [Dense(1)])
    parameters = {"dense_1/kernel": np.array([[1.0]]), "dense_1/bias": np.array([0.0])}
    # z = 2, E = ½(2 − 4)² = 2, δ = −2, dE/dW = −4, dE/db = −2; W = 1 + ¼·4, b = ½
    found, history = train(mlp, parameters, [[2.0]], [[4.0]], "half_sum_squared_error", learning_rate=0.25, epochs=1)
    assert {name: array.item() for name, array in found.items()} == {"dense_1/kernel": 2, "dense_1/bias": 0.5}
    assert history == History([1], [2.0])


def test_more_parameters_than_fit_the_cache_block() -> None:
    mlp = MLP(300, [Dense(200, use_bias=False)])  # 60,000, nearly two blocks
    x, y = np.ones((1, 300)), np.ones((1, 200))
    found, _ = train(mlp, mlp.initialize(0), x, y, "mse", learning_rate=0.5, epochs=1)
    gradients = mlp.backpropagate(mlp.initialize(0), x, y, "mse").gradients
    expected = descended(mlp.initialize(0), gradients, 0.5)["dense_1/kernel"]
    np.testing.assert_array_equal(found["dense_1/kernel"], expected)


def test_it_descends() -> None:
    _, history = train(MLP_3_2, MLP_3_2.initialize(0), X, Y, LOSS, learning_rate=0.1, epochs=50)
    assert history.loss == sorted(history.loss, reverse=True)


# optimizers

OPTIMIZERS = [SGD(0.1, momentum=0.9, nesterov=True), RMSprop(0.01, momentum=0.5, centered=True), Adam(0.01)]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("optimizer", [SGD(0.3), *OPTIMIZERS], ids=repr)
def test_an_optimizer_makes_the_steps_that_it_describes(optimizer: Optimizer, dtype: str) -> None:
    start = MLP_3_2.initialize(0, dtype=dtype)
    found, _ = train(MLP_3_2, start, X, Y, LOSS, optimizer=optimizer, epochs=3, batch_size=4, seed=5)
    expected, state, order, step = start, optimizer.initial_state(start), np.random.default_rng(5), 0
    for _ in range(3):
        chosen = order.permutation(10)
        for rows in (chosen[:4], chosen[4:8], chosen[8:]):
            step += 1
            gradients = MLP_3_2.backpropagate(expected, X[rows], Y[rows], LOSS).gradients
            expected, state = optimizer.updated(expected, gradients, state, step)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)
        assert found[name].dtype == dtype


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_an_optimizer_over_several_cache_blocks(optimizer: Optimizer) -> None:
    mlp = MLP(300, [Dense(200), Dense(1)])
    start, x, y = mlp.initialize(0), np.ones((1, 300)), np.ones((1, 1))
    found, _ = train(mlp, start, x, y, "mse", optimizer=optimizer, epochs=2)
    expected, state = start, optimizer.initial_state(start)
    for step in (1, 2):
        gradients = mlp.backpropagate(expected, x, y, "mse").gradients
        expected, state = optimizer.updated(expected, gradients, state, step)
    for name, array in expected.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_learning_rate_of_plain_descent_is_not_rounded() -> None:
    """SGD's is, as Keras holds it."""
    mlp = MLP(1, [Dense(1, use_bias=False)])
    settings_: dict[str, Any] = {"epochs": 1}
    arguments = mlp, {"dense_1/kernel": np.zeros((1, 1))}, np.ones((1, 1)), np.ones((1, 1)), "half_sum_squared_error"
    plain, _ = train(*arguments, learning_rate=0.1, **settings_)
    keras, _ = train(*arguments, optimizer=SGD(0.1), **settings_)
    assert (plain["dense_1/kernel"].item(), keras["dense_1/kernel"].item()) == (0.1, float(np.float32(0.1)))


# decay


def test_the_decay_of_kernels_is_trained_and_told() -> None:
    mlp = MLP(3, [Dense(4, "tanh", kernel_l2=0.1), Dense(2, "softmax", kernel_l2=0.01)])
    start = mlp.initialize(0)
    found, history = train(mlp, start, X, Y, LOSS, learning_rate=0.3, epochs=1)
    evaluation = mlp.backpropagate(start, X, Y, LOSS)
    for name, array in descended(start, evaluation.gradients, 0.3).items():
        np.testing.assert_array_equal(found[name], array)
    assert history.loss == [pytest.approx(evaluation.loss, rel=4 * 2.0**-53)]


# mini-batches

EYE = np.eye(10)  # sample i reaches weight i alone
TARGETS = np.arange(1.0, 11.0)[:, None]
LINEAR = MLP(10, [Dense(1, use_bias=False)])


def steps(loss: str, **settings: Any) -> list[float]:
    """By how many times lr·y each weight has moved from 0 after one epoch."""
    zeros = {"dense_1/kernel": np.zeros((10, 1))}
    found, _ = train(LINEAR, zeros, EYE, TARGETS, loss, learning_rate=2.0**-20, epochs=1, **settings)
    return [float(step) for step in (found["dense_1/kernel"] / TARGETS * 2.0**20)[:, 0]]


@pytest.mark.parametrize("batch_size", [None, 1, 3, 4, 9, 10, 11])
def test_every_sample_is_seen_exactly_once_an_epoch(batch_size: int | None) -> None:
    # gradient of ½ (w − y)² at w = 0: −y. Seen twice, a weight would have moved by (2 − lr) lr·y.
    assert steps("half_sum_squared_error", batch_size=batch_size) == [1.0] * 10


@pytest.mark.parametrize(
    ("batch_size", "sizes"),
    [(None, [10] * 10), (4, [2] * 2 + [4] * 8), (3, [1] + [3] * 9), (9, [1] + [9] * 9), (11, [10] * 10)],
)
def test_the_last_batch_is_scaled_by_its_own_size(batch_size: int | None, sizes: list[int]) -> None:
    moved = steps("quadratic_cost", batch_size=batch_size)  # the gradient of 1/(2m) Σ (w − y)² is −y/m
    assert sorted(1 / step for step in moved) == pytest.approx(sizes, rel=1e-15)  # 3 roundings


def test_each_epoch_has_an_order_of_its_own() -> None:
    alone: list[int] = []

    def watch(progress: Progress) -> None:
        kernel = progress.parameters["dense_1/kernel"][:, 0]
        step = (kernel - before[-1]) / (TARGETS[:, 0] - before[-1])
        alone.append(int(np.argmax(step)))  # the last batch holds one sample, whose weight moves three times as far
        before.append(kernel.copy())

    before = [np.zeros(10)]
    zeros = {"dense_1/kernel": np.zeros((10, 1))}
    loss = "quadratic_cost"
    train(LINEAR, zeros, EYE, TARGETS, loss, learning_rate=0.1, epochs=20, batch_size=3, callback=watch, seed=1)
    order = np.random.default_rng(1)
    assert alone == [order.permutation(10)[-1] for _ in range(20)]
    assert len(set(alone)) > 5


def test_the_seed_decides_the_order() -> None:
    def trained(seed: Any) -> Array:
        start = MLP_3_2.initialize(0)
        found, _ = train(MLP_3_2, start, X, Y, LOSS, learning_rate=1.0, epochs=2, batch_size=3, seed=seed)
        return found["dense_1/kernel"]

    np.testing.assert_array_equal(trained(3), trained(3))
    np.testing.assert_array_equal(trained(3), trained(np.random.default_rng(3)))
    assert (trained(3) != trained(4)).any()
    assert (trained(np.random.RandomState(3)) != trained(3)).any()


def test_class_indices_travel_with_their_samples() -> None:
    loss, start = "sparse_categorical_crossentropy", MLP_3_2.initialize(0)
    settings_: dict[str, Any] = {"learning_rate": 0.5, "epochs": 5, "batch_size": 3}
    sparse, _ = train(MLP_3_2, start, X, Y.argmax(1), loss, **settings_)
    hot, _ = train(MLP_3_2, start, X, Y, LOSS, **settings_)
    for name in start:
        # 20 steps, each with fewer than 50 roundings of numbers below 1
        np.testing.assert_allclose(sparse[name], hot[name], rtol=0, atol=20 * 50 * 2.0**-53)


# what is told on the way


@pytest.mark.parametrize(
    ("epochs", "every", "recorded"),
    [(5, 1, [1, 2, 3, 4, 5]), (7, 3, [3, 6, 7]), (6, 3, [3, 6]), (2, 10, [2]), (0, 1, [])],
)
def test_epochs_are_recorded_every_so_often_and_at_the_end(epochs: int, every: int, recorded: list[int]) -> None:
    told: list[tuple[int, float]] = []
    _, history = train(
        MLP_3_2,
        MLP_3_2.initialize(0),
        X,
        Y,
        LOSS,
        learning_rate=0.1,
        epochs=epochs,
        record_every=every,
        callback=lambda p: told.append((p.epoch, p.loss)),
    )
    assert history.epochs == recorded
    assert told == list(zip(history.epochs, history.loss, strict=True))


def test_recording_changes_nothing() -> None:
    start = MLP_3_2.initialize(0)
    often, all_losses = train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.1, epochs=6, batch_size=4)
    seldom, some_losses = train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.1, epochs=6, batch_size=4, record_every=4)
    for name in start:
        np.testing.assert_array_equal(often[name], seldom[name])
    assert some_losses.loss == [all_losses.loss[3], all_losses.loss[5]]


def test_a_callback_sees_the_parameters_as_they_are() -> None:
    seen: list[dict[str, Array]] = []

    def watch(progress: Progress) -> None:
        seen.append({name: array.copy() for name, array in progress.parameters.items()})

    start = MLP_3_2.initialize(0)
    found, _ = train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.1, epochs=2, callback=watch)
    once, _ = train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.1, epochs=1)
    for name in start:
        np.testing.assert_array_equal(seen[0][name], once[name])
        np.testing.assert_array_equal(seen[1][name], found[name])


# what is left alone


def test_what_is_passed_in_is_not_changed() -> None:
    start, x, y = MLP_3_2.initialize(0), X.copy(), Y.copy()
    for array in (x, y, *start.values()):
        array.flags.writeable = False
    found, _ = train(MLP_3_2, start, x, y, LOSS, learning_rate=0.1, epochs=3, batch_size=4)
    for name, array in start.items():
        np.testing.assert_array_equal(array, MLP_3_2.initialize(0)[name])
        assert not np.shares_memory(found[name], array)


def test_large_data_are_not_copied() -> None:
    """Beside them there are the parameters, and the buffers of a batch."""
    x, y = np.ones((20_000, 50)), np.ones((20_000, 1))
    mlp = MLP(50, [Dense(1)])
    tracemalloc.start()
    train(mlp, mlp.initialize(0), x, y, "mse", learning_rate=1e-3, epochs=1, batch_size=10)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < x.nbytes / 4


def test_data_in_any_order_or_dtype_are_read_as_they_are_meant() -> None:
    start = MLP_3_2.initialize(0)
    found = [
        train(MLP_3_2, start, x, Y, LOSS, learning_rate=0.1, epochs=2, batch_size=4)[0]["dense_1/kernel"]
        for x in (X, np.asfortranarray(X), np.repeat(X, 2, axis=0)[::2])
    ]
    np.testing.assert_array_equal(found[1], found[0])
    np.testing.assert_array_equal(found[2], found[0])
    whole = np.arange(30).reshape(10, 3) % 4
    pair = [train(MLP_3_2, start, x, Y, LOSS, learning_rate=0.1, epochs=2)[0] for x in (whole, whole.astype(float))]
    np.testing.assert_array_equal(pair[0]["dense_1/kernel"], pair[1]["dense_1/kernel"])


def test_what_is_not_finite_is_found_wherever_it_is() -> None:
    """Data are looked through block by block."""
    x = np.ones((10_000, 1))
    x[[4095, 4096, 9999]] = np.nan
    with pytest.raises(ValueError, match=r"^x holds 3 values that are NaN or Inf, the first at x\[4095, 0\]"):
        train(MLP(1, [Dense(1)]), MLP(1, [Dense(1)]).initialize(0), x, x, "mse", learning_rate=0.1, epochs=1)
    x[[4095, 4096]] = 1
    with pytest.raises(ValueError, match=r"the first at x\[9999, 0\]"):
        train(MLP(1, [Dense(1)]), MLP(1, [Dense(1)]).initialize(0), x, x, "mse", learning_rate=0.1, epochs=1)


def test_the_result_owns_its_arrays() -> None:
    live: list[Any] = []
    found, _ = train(MLP_3_2, MLP_3_2.initialize(0), X, Y, LOSS, learning_rate=0.1, epochs=1, callback=live.append)
    kernels = [found["dense_1/kernel"], found["dense_2/kernel"], live[0].parameters["dense_1/kernel"]]
    assert not any(np.shares_memory(a, b) for i, a in enumerate(kernels) for b in kernels[:i])


def test_no_epochs_give_the_parameters_back() -> None:
    start = MLP_3_2.initialize(0)
    found, history = train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.1, epochs=0)
    for name, array in start.items():
        np.testing.assert_array_equal(found[name], array)
    assert history == History([], [])


# settings


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"learning_rate": 0.0}, "learning_rate=0.0: expected a finite number above 0."),
        ({"learning_rate": -0.1}, "learning_rate=-0.1: expected a finite number above 0."),
        ({"learning_rate": float("inf")}, "learning_rate=inf: expected a finite number above 0."),
        ({"learning_rate": float("nan")}, "learning_rate=nan: expected a finite number above 0."),
        ({"epochs": -1}, "epochs=-1: expected 0 or more."),
        ({"batch_size": 0}, "batch_size=0: expected at least 1, or None for the full batch."),
        ({"record_every": 0}, "record_every=0: expected at least 1."),
        ({"seed": -1, "batch_size": 2}, "seed=-1: expected 0 or more."),
    ],
)
def test_a_bad_setting_says_what_was_expected(setting: dict[str, Any], message: str) -> None:
    arguments: dict[str, Any] = {"learning_rate": 0.1, "epochs": 1, **setting}
    with pytest.raises(ValueError, match="expected") as error:
        train(MLP_3_2, MLP_3_2.initialize(0), X, Y, LOSS, **arguments)
    assert str(error.value) == message


def test_exactly_one_of_learning_rate_and_optimizer() -> None:
    start, cure = MLP_3_2.initialize(0), "expected exactly one of them"
    with pytest.raises(ValueError, match=f"^learning_rate=None, optimizer=None: {cure}"):
        train(MLP_3_2, start, X, Y, LOSS, epochs=1)
    with pytest.raises(ValueError, match=rf"^learning_rate=0.1, optimizer=Adam\(.*\): {cure}"):
        train(MLP_3_2, start, X, Y, LOSS, learning_rate=0.1, optimizer=Adam(), epochs=1)
    with pytest.raises(TypeError, match=r"^optimizer is str: expected SGD, RMSprop or Adam of manual_mlp\.$"):
        train(MLP_3_2, start, X, Y, LOSS, optimizer="adam", epochs=1)  # type: ignore[arg-type]


def test_data_are_checked_as_in_backpropagate() -> None:
    start = MLP_3_2.initialize(0)
    with pytest.raises(ValueError, match=r"^dense_1: x is 1-D, \(3,\), a single sample"):
        train(MLP_3_2, start, X[0], Y, LOSS, learning_rate=0.1, epochs=1)
    labels, loss = np.arange(10) % 3, Loss("sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match=r"^dense_3: labels run from 0 to 2, but 2 outputs"):
        train(MLP_3_2, start, X, labels, loss, learning_rate=0.1, epochs=1)
    with pytest.raises(ValueError, match="forward only"):
        train(MLP(3, [Dense(2, "step")]), MLP(3, [Dense(2)]).initialize(0), X, Y, "mse", learning_rate=0.1, epochs=1)
