"""Gradients checked while a model trains: what is said, when, and that the training is the same."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import ops as _ops

from gradient_diff import Status
from gradient_diff.keras import GradientDiffCallback
from manual_mlp import Array

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(24, 3)).astype(np.float32), RNG.normal(size=(24, 2)).astype(np.float32)
W = RNG.uniform(0.5, 2, 24).astype(np.float32)


def _model(*, dropout: bool = False, **compiled: Any) -> keras.Model:
    keras.utils.set_random_seed(3)
    middle = [keras.layers.Dropout(0.3)] if dropout else []
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4, "tanh", name="a"), *middle, keras.layers.Dense(2, name="b")]
    )
    model.compile("adam", "mse", **compiled)
    return model


def _fit(model: keras.Model, *callbacks: Any, epochs: int = 2, **options: Any) -> dict[str, list[float]]:
    found = model.fit(X, Y, batch_size=6, epochs=epochs, callbacks=list(callbacks), verbose=0, shuffle=False, **options)
    return dict(found.history)


def _right(w: dict[str, Array], x: Array, y: Array) -> dict[str, Array]:
    z = np.tanh(x @ w["a/kernel"] + w["a/bias"])
    d = 2 * (z @ w["b/kernel"] + w["b/bias"] - y) / np.float32(y.size)
    below = d @ w["b/kernel"].T * (1 - z * z)
    return {"a/kernel": x.T @ below, "a/bias": below.sum(0), "b/kernel": z.T @ d, "b/bias": d.sum(0)}


def _without_slope(w: dict[str, Array], x: Array, y: Array) -> dict[str, Array]:
    z = np.tanh(x @ w["a/kernel"] + w["a/bias"])
    d = 2 * (z @ w["b/kernel"] + w["b/bias"] - y) / np.float32(y.size)
    return {**_right(w, x, y), "a/kernel": x.T @ (d @ w["b/kernel"].T), "a/bias": (d @ w["b/kernel"].T).sum(0)}


class _WrongLater:
    """Right at first, wrong from a call on."""

    def __init__(self, since: int) -> None:
        self.calls, self.since = 0, since

    def __call__(self, w: dict[str, Array], x: Array, y: Array) -> dict[str, Array]:
        self.calls += 1
        return (_right if self.calls < self.since else _without_slope)(w, x, y)


@pytest.mark.matrix(most=2)
@pytest.mark.parametrize("data", ["batch", (X[:6], Y[:6]), (X[:6], Y[:6], W[:6])], ids=["batch", "probe", "weighed"])
@pytest.mark.parametrize("options", [{}, {"run_eagerly": True}, {"jit_compile": False}], ids=["xla", "eager", "graph"])
def test_the_training_is_the_same_bit_for_bit(data: Any, options: dict[str, Any]) -> None:
    plain, seen = _model(dropout=True, **options), _model(dropout=True, **options)
    probe = GradientDiffCallback(data=data, every=3)
    without, beside = _fit(plain, sample_weight=W), _fit(seen, probe, sample_weight=W)
    assert list(probe.checks) == [0, 3, 6]
    assert probe.diff is not None
    assert probe.diff.ok
    assert beside["loss"] == without["loss"]
    for a, b in zip(plain.get_weights(), seen.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"jit_compile": False}], ids=["xla", "graph"])
def test_it_is_the_same_with_statistics_and_a_last_batch_that_is_smaller(options: dict[str, Any]) -> None:
    """The step of a checked batch is the very graph of the others, whose batch has no known length."""

    def fitted(*callbacks: Any) -> tuple[list[float], list[Array]]:
        keras.utils.set_random_seed(3)
        layers = [keras.layers.Dropout(0.3), keras.layers.BatchNormalization(), keras.layers.Dense(2)]
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(5, "tanh"), *layers])
        model.compile("adam", "mse", **options)
        data = {"validation_data": (X, Y), "callbacks": list(callbacks), "verbose": 0}
        found = model.fit(X[:10], Y[:10], batch_size=4, epochs=3, **data)
        return found.history["val_loss"], model.get_weights()

    (plain, before), (beside, after) = fitted(), fitted(GradientDiffCallback(data="batch", every=1))
    assert plain == beside
    for a, b in zip(before, after, strict=True):
        np.testing.assert_array_equal(a, b)


def test_history_has_the_latest_check_of_each_epoch() -> None:
    probe = GradientDiffCallback(_right, data=(X, Y), every=2)
    history = _fit(_model(), probe)
    assert history["gradient_diff/exit_code"] == [0.0, 0.0]
    assert history["gradient_diff/distance/a"] == [probe.checks[2]["distance/a"], probe.checks[6]["distance/a"]]


def test_a_batch_is_the_one_that_is_trained_on_with_its_weights_and_its_masks() -> None:
    """With a step of 1 each batch is seen, in order, at the weights before its step."""
    seen: list[tuple[Array, Array, Array]] = []

    def derivation(w: dict[str, Array], x: Array, y: Array) -> dict[str, Array]:
        seen.append((w["b/bias"].copy(), x.copy(), y.copy()))
        return _right(w, x, y)

    model = _model()
    started = model.layers[-1].bias.numpy().copy()
    _fit(model, GradientDiffCallback(derivation, data="batch", every=1), epochs=1)
    firsts = {x[0].tobytes(): (w, x, y) for w, x, y in seen}
    assert list(firsts) == [X[i].tobytes() for i in (0, 6, 12, 18)]
    np.testing.assert_array_equal(firsts[X[0].tobytes()][0], started)
    assert all((y == Y[i : i + 6]).all() for i, (_, _, y) in zip((0, 6, 12, 18), firsts.values(), strict=True))
    weighed = GradientDiffCallback(_right, data="batch", every=1, on_mismatch="ignore")
    _fit(_model(), weighed, epochs=1, class_weight=None, sample_weight=W)
    assert weighed.diff is not None
    assert weighed.diff.verdict is Status.MISMATCH  # this derivation forgets the weights that fit gave the samples


def test_what_is_wrong_is_warned_of_once_named_and_written_down(tmp_path: Path) -> None:
    probe = GradientDiffCallback(
        _without_slope, data=(X, Y), every=2, report_dir=tmp_path / "reports", log_dir=tmp_path / "logs"
    )
    with pytest.warns(
        UserWarning, match=r"^Before step 0: MISMATCH: f′\(u\) is not applied, in a, at test_callback"
    ) as caught:
        _fit(_model(), probe)
    assert len([w for w in caught if "Before step" in str(w.message)]) == 1
    assert probe.first_bad is not None
    assert probe.first_bad[0] == 0
    assert probe.checks[2]["exit_code"] == 1.0
    assert [k for k in probe.checks[2] if k.startswith("mistake/")]
    assert [p.name for p in (tmp_path / "reports").iterdir()] == ["step_000000"]
    (events,) = (tmp_path / "logs").iterdir()
    tags = {(e.step, v.tag) for e in tf.compat.v1.train.summary_iterator(str(events)) for v in e.summary.value}
    assert {(s, "gradient_diff/distance/a") for s in (0, 2, 4, 6)} <= tags
    assert {(s, "gradient_diff/headline") for s in (0, 2, 4, 6)} <= tags


def test_a_mismatch_may_stop_the_training_where_it_begins() -> None:
    probe = GradientDiffCallback(_WrongLater(4), data=(X, Y), every=1, on_mismatch="stop")
    with pytest.warns(UserWarning, match="MISMATCH"):
        history = _fit(_model(), probe, epochs=5)
    assert probe.first_bad is not None
    assert len(history["loss"]) == 1
    assert max(probe.checks) == probe.first_bad[0] > 0


@pytest.mark.slow
def test_a_mismatch_may_be_ignored() -> None:
    probe = GradientDiffCallback(_without_slope, data=(X, Y), every=4, on_mismatch="ignore")
    _fit(_model(), probe)  # a warning would be an error
    assert probe.first_bad is not None


@pytest.mark.slow
def test_on_other_steps_nothing_is_traced_or_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is counted: traces of a train_step, and variables that are read out."""
    traced, read = [0], [0]

    class Counted(keras.Sequential):
        def train_step(self, data: Any) -> Any:
            traced[0] += 1
            return super().train_step(data)

    keras.utils.set_random_seed(3)
    model = Counted([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    for kind in (keras.Variable, _ops._EagerTensorBase):  # noqa: SLF001  # what every tensor is read out by
        monkeypatch.setattr(kind, "numpy", _counting(kind.numpy, read))
    seen = [GradientDiffCallback(_linear, data=data, every=100) for data in ((X, Y), "batch")]
    for beside in seen:
        _fit(model, beside)  # the first step is checked
    before = traced[0], read[0]
    _fit(model)
    plain = traced[0] - before[0], read[0] - before[1]
    before = traced[0], read[0]
    for beside in seen:
        _fit(model, beside)
    assert (traced[0] - before[0], read[0] - before[1]) == (2 * plain[0], 2 * plain[1])
    assert plain[0] == 0


def _linear(w: dict[str, Array], x: Array, y: Array) -> list[Array]:
    kernel, bias = w.values()
    d = 2 * (x @ kernel + bias - y) / np.float32(y.size)
    return [x.T @ d, d.sum(0)]


def _counting(own: Callable[[Any], Any], count: list[int]) -> Callable[[Any], Any]:
    def counted(tensor: Any) -> Any:
        count[0] += 1
        return own(tensor)

    return counted


def test_after_a_fit_the_model_is_as_it_was_also_where_the_fit_broke_off() -> None:
    model = _model()
    _fit(model)
    own = model.train_function
    _fit(model, GradientDiffCallback(data="batch", every=1), epochs=1)
    assert model.train_function is own

    class Broken(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            raise RuntimeError("broken")

    left = GradientDiffCallback(data="batch", every=1)
    with pytest.raises(RuntimeError, match="broken"):
        _fit(model, left, Broken())
    checked = dict(left.checks)
    _fit(model)  # without it
    assert left.checks == checked


def test_a_derivation_that_raises_leaves_the_model_to_train() -> None:
    def boom(*_: Any) -> Any:
        raise RuntimeError("boom")

    model = _model()
    with pytest.raises(RuntimeError, match="boom"):
        _fit(model, GradientDiffCallback(boom, data="batch", every=1))
    _fit(model)  # without it
    again = GradientDiffCallback(data="batch", every=1)
    _fit(model, again)
    assert len(again.checks) == 8


@pytest.mark.parametrize("data", ["batch", (X, Y)], ids=["batch", "probe"])
def test_a_model_without_weights_is_checked_once_it_has_some(data: Any) -> None:
    model = keras.Sequential([keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    probe = GradientDiffCallback(data=data, every=3)
    _fit(model, probe, epochs=1)
    assert list(probe.checks) == [1, 3]


def test_without_equations_a_derivation_is_asked_for() -> None:
    model = keras.Sequential([keras.Input((3,)), keras.layers.GaussianNoise(0.1), keras.layers.Dense(2)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"derivation=None holds the tape .* Pass a derivation of your own\.$"):
        _fit(model, GradientDiffCallback(data=(X, Y)))


@pytest.mark.parametrize("name", ["log_dir", "report_dir"])
def test_a_folder_that_is_a_file_is_refused_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "there").touch()
    with pytest.raises(NotADirectoryError, match=f"{name}=.* is a file"):
        GradientDiffCallback(data=(X, Y), **{name: tmp_path / "there"})


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: GradientDiffCallback(data=(X, Y), every=0), ValueError, "every=0: expected a whole number of steps"),
        (lambda: GradientDiffCallback(data=(X, Y), every=2.5), ValueError, "every=2.5"),  # type: ignore[arg-type]
        (lambda: GradientDiffCallback(data=(X, Y), every=True), ValueError, "every=True"),
        (lambda: GradientDiffCallback(data="probe"), ValueError, "data='probe': expected (x, y)"),  # type: ignore[arg-type]
        (lambda: GradientDiffCallback(data=(X,)), ValueError, "data is 1 things"),
        (lambda: GradientDiffCallback(data=X), ValueError, "data is ndarray"),  # type: ignore[arg-type]
        (lambda: GradientDiffCallback([X], data=(X, Y)), TypeError, "derivation is list"),  # type: ignore[arg-type]
        (lambda: GradientDiffCallback(data=(X, Y), on_mismatch="raise"), ValueError, "on_mismatch='raise'"),  # type: ignore[arg-type]
    ],
)
def test_bad_settings(make: Callable[[], Any], error: type[Exception], text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        make()


def test_what_cannot_be_seen_is_said_before_anything_runs() -> None:
    model = _model(steps_per_execution=2)
    with pytest.raises(ValueError, match="steps_per_execution=2: several steps are one call"):
        _fit(model, GradientDiffCallback(data="batch"))
    probe = GradientDiffCallback(data=(X, Y))
    probe.set_model(keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)]))
    with pytest.raises(ValueError, match="is not compiled"):
        probe.on_train_begin()
