"""`gradient-diff check` against a saved Keras model: what is his fault, and what is the model's or the data's."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pytest
from keras import layers

from gradient_diff import GradientDiff, compare
from gradient_diff.keras.gradients import checking

pytestmark = pytest.mark.filterwarnings(  # Keras's own, as it saves and loads
    "ignore:__array__ implementation doesn't accept a copy keyword:DeprecationWarning"
)
Check = Callable[..., tuple[int, str, str]]
LISTED = """
import numpy as np

def gradients(parameters, x, y):
    W1, b1, W2, b2 = parameters.values()
    z = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * (z @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * z * (1 - z)
    return [x.T @ d1, d1.sum(0), z.T @ d2, d2.sum(0)]

def weighted(parameters, x, y):
    w = np.array([[1.0], [2.0], [0.5], [0.0], [3.0], [1.0], [1.0]])
    W1, b1, W2, b2 = parameters.values()
    z = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * w * (z @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * z * (1 - z)
    return [x.T @ d1, d1.sum(0), z.T @ d2, d2.sum(0)]

def wrong(parameters, x, y):
    dW1, db1, dW2, db2 = gradients(parameters, x, y)
    return [-dW1, db1, dW2, db2]

def step(x, y):
    raise RuntimeError("stepped")
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Models, compiled and not, with data."""
    keras.utils.set_random_seed(0)
    model = keras.Sequential([layers.Input((3,)), layers.Dense(4, "sigmoid"), layers.Dense(2)])
    model.save(tmp_path / "plain.keras")
    model.compile("rmsprop", loss="mse")  # whose state Keras cannot load before a step
    model.save(tmp_path / "model.keras")
    rng = np.random.default_rng(0)
    data: dict[str, Any] = {"x": rng.normal(size=(7, 3)), "y": rng.normal(size=(7, 2))}
    np.savez(tmp_path / "data.npz", **data)
    np.savez(tmp_path / "weighed.npz", **data, sample_weight=np.array([1.0, 2.0, 0.5, 0.0, 3.0, 1.0, 1.0]))
    np.savez(tmp_path / "other_x.npz", **{**data, "x": np.ones((7, 4))})
    np.savez(tmp_path / "other_y.npz", **{**data, "y": np.ones((7, 3))})
    np.savez(tmp_path / "fewer.npz", **{**data, "y": np.ones((5, 2))})
    (tmp_path / "mine.py").write_text(LISTED)
    return tmp_path


@pytest.fixture
def check(call: Check, folder: Path) -> Check:
    """Files by their names in the folder."""

    def run(name: str, model: str, data: str, *more: str) -> tuple[int, str, str]:
        return call(f"{folder / 'mine.py'}{name}", folder / model, folder / data, *more, verb="check", columns=600)

    return run


def test_a_derivation_is_held_against_what_fit_would_train(check: Check) -> None:
    code, text, told = check("", "model.keras", "data.npz")
    assert (code, text.split(":")[0]) == (0, "✓ MATCH")
    assert "the compiled loss mse" in text
    assert "Skipping variable" not in told
    assert check(":wrong", "model.keras", "data.npz")[0] == 1


def test_a_loss_can_be_named_and_must_be_where_none_was_compiled(check: Check) -> None:
    assert check("", "plain.keras", "data.npz", "--loss", "mse")[0] == 0
    assert check("", "model.keras", "data.npz", "--loss", "mae")[0] == 1
    code, text, told = check("", "plain.keras", "data.npz")
    assert (code, text) == (4, "")
    assert "Invalid value for DATA, --loss" in told
    assert "loss" in told.split("Invalid value for DATA, --loss")[1]


def test_weights_of_the_samples_come_with_the_data(check: Check) -> None:
    assert check(":weighted", "model.keras", "weighed.npz")[0] == 0
    assert check("", "model.keras", "weighed.npz")[0] == 1


@pytest.mark.parametrize(
    ("data", "told"),
    [
        ("other_x.npz", "Keras itself cannot compute E of"),
        ("other_y.npz", "Keras itself cannot compute E of"),
        ("fewer.npz", "y float64 (5, 2)"),
        ("gone.npz", "No such file or directory"),
    ],
)
def test_data_that_do_not_fit_are_no_fault_of_the_code(data: str, told: str, check: Check) -> None:
    code, text, said = check("", "model.keras", data)
    assert (code, text) == (4, "")
    assert told in said
    assert "Traceback" not in said


def test_the_options_reach_the_check(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    def tracing(*given: Any, trace: bool | None = None, **more: Any) -> GradientDiff:
        asked.append({"trace": trace, **{name: more[name] for name in ("loss", "layout")}})
        return compare({"w": np.ones(2)}, {"w": np.ones(2)})

    asked: list[Mapping[str, object]] = []
    monkeypatch.setattr(checking, "check_gradients", tracing)
    check("", "model.keras", "data.npz")
    check("", "plain.keras", "data.npz", "--loss", "mse", "--layout", "as given", "--annotate")
    assert asked == [
        {"trace": None, "loss": None, "layout": None},
        {"trace": True, "loss": "mse", "layout": "as given"},
    ]


def test_a_step_goes_to_the_check_of_steps(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    def stepped(step: Any, model: Any, x: Any, y: Any, *, loss: Any, learning_rate: Any) -> GradientDiff:
        asked.append((step.__name__, model.count_params(), x.shape, y.shape, loss, learning_rate))
        return compare({"w": np.ones(2)}, {"w": np.ones(2)})

    asked: list[object] = []
    module = SimpleNamespace(check_step=stepped)
    monkeypatch.setitem(sys.modules, "gradient_diff.keras.gradients.own_step", module)
    assert check("", "model.keras", "data.npz", "--step", "--learning-rate", "0.1")[0] == 0
    assert asked == [("step", 26, (7, 3), (7, 2), None, 0.1)]


def test_a_loss_of_somebody_s_own_is_told_apart_from_a_layer(check: Check, folder: Path) -> None:
    def peculiar(y_true: Any, y_pred: Any) -> Any:
        return keras.ops.mean((y_pred - y_true) ** 2)

    model = keras.saving.load_model(folder / "plain.keras")
    model.compile("sgd", loss=peculiar)
    model.save(folder / "own.keras")
    code, _, told = check("", "own.keras", "data.npz")
    assert (code, "If it is the loss, name the one that is meant by --loss." in told) == (4, True)
    assert check("", "own.keras", "data.npz", "--loss", "mse")[0] == 0
