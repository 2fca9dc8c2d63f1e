"""A check reads the model once, and takes the options of `compare`."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

import keras
import numpy as np
import pytest

from gradient_diff import Status, compare, rounding_noise
from gradient_diff.keras import check_gradients
from gradient_diff.keras.gradients import arguments, request
from keras_mlp import backpropagate, to_keras, twin
from manual_mlp import MLP, Array, Dense, evaluation_of

NET = MLP(3, [Dense(4, "tanh"), Dense(2)])
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(7, 3)), RNG.normal(size=(7, 2))
W = NET.initialize(0)
MINE = dict(NET.backpropagate(W, X, Y, "mse").gradients)
WRONG = {n: g + g * g for n, g in MINE.items()}
AFTER = {n: a - 0.125 * MINE[n] for n, a in W.items()}


def _model() -> keras.Sequential:
    return to_keras(NET, W)


KINDS = pytest.mark.parametrize("kind", ["known float64", "functional float64"])

# once


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the model is described, its weights are named, and an array of the caller's is read."""
    calls: Counter[str] = Counter()

    def counting(module: Any, name: str) -> None:
        own = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *args: calls.update([name]) or own(*args))

    for module, name in ((request, "from_keras"), (twin, "named_weights"), (arguments, "checked_array")):
        counting(module, name)
    return calls


STEP = {"after": AFTER, "learning_rate": 0.125}
CHECKS: dict[str, dict[str, Any]] = {
    "right": {"gradients": MINE},
    "wrong": {"gradients": WRONG},
    "the house's own": {},
    "a function": {"gradients": lambda w, x, y: WRONG},
    "after": STEP,
    "a learning rate that is searched": STEP | {"learning_rate": 0.5},
    "before": STEP | {"before": W},
}


@pytest.mark.parametrize("name", CHECKS)
def test_the_model_is_read_once(name: str, counted: Counter[str]) -> None:
    diff = check_gradients(_model(), X, Y, loss="mse", **CHECKS[name])
    assert ("other_learning_rate" in [c.id for c in diff.causes]) == ("searched" in name)
    assert counted["from_keras"] == 1
    assert counted["named_weights"] <= 7 + (name == "before") * 3  # by the tape, too, which proves the weights
    if name != "a function":  # which is called on smaller cases, too
        given = [CHECKS[name].get(side, ()) for side in ("gradients", "before", "after")]
        assert counted["checked_array"] == sum(map(len, given))


# the options of compare


@KINDS
def test_names_of_ones_own(kind: str, build: Any) -> None:
    names = {"w1": "dense_1/kernel", "b1": "dense_1/bias"}
    own = {short: MINE[long] for short, long in names.items()} | {n: MINE[n] for n in MINE if "dense_2" in n}
    assert check_gradients(build(kind, NET, W), X, Y, own, loss="mse", names=names).ok
    assert check_gradients(build(kind, NET, W), X, Y, lambda w, x, y: own, loss="mse", names=names).ok
    after = {short: AFTER[long] for short, long in names.items()} | {n: AFTER[n] for n in AFTER if "dense_2" in n}
    assert check_gradients(build(kind, NET, W), X, Y, after=after, learning_rate=0.125, loss="mse", names=names).ok


def test_a_function_with_names_of_its_own_is_cut_down_too() -> None:
    def wrong(w: Any, x: Array, y: Array) -> dict[str, Array]:
        right = evaluation_of(NET.problem(w, x, y, "mse")).gradients
        return {n.replace("dense_1/bias", "b1"): g + g * g for n, g in right.items()}

    diff = check_gradients(_model(), X, Y, wrong, loss="mse", names={"b1": "dense_1/bias"})
    assert diff.smallest is not None
    assert diff.smallest.problem.batch == 1


@KINDS
@pytest.mark.usefixtures("unnamed")
def test_a_tolerance_of_ones_own(kind: str, build: Any) -> None:
    nearly = {n: g * (1 + 1e-4) for n, g in MINE.items()}
    assert check_gradients(build(kind, NET, W), X, Y, nearly, loss="mse").verdict is Status.MISMATCH
    diff = check_gradients(build(kind, NET, W), X, Y, nearly, loss="mse", rtol=1e-3)
    assert diff.ok
    assert {row.judge for row in diff.rows} == {"rtol=0.001, chosen by the caller"}
    assert check_gradients(build(kind, NET, W), X, Y, nearly, loss="mse", rtol=1e-6).verdict.bad
    moved = {n: a - 0.125 * nearly[n] for n, a in W.items()}
    step = {"after": moved, "learning_rate": 0.125, "loss": "mse"}
    assert check_gradients(build(kind, NET, W), X, Y, rtol=1e-3, **step).ok  # type: ignore[arg-type]
    assert check_gradients(build(kind, NET, W), X, Y, rtol=1e-6, **step).verdict.bad  # type: ignore[arg-type]


@KINDS
@pytest.mark.usefixtures("unnamed")
def test_noise_of_ones_own(kind: str, build: Any) -> None:
    """A second set of the model's gradients, and a Noise, as `compare` takes them."""
    repeat = {n: g * (1 + 1e-9) for n, g in MINE.items()}
    nearly = {n: g * (1 + 1e-10) for n, g in MINE.items()}
    diff = check_gradients(build(kind, NET, W), X, Y, nearly, loss="mse", noise=repeat)
    assert diff.ok
    assert {row.judge for row in diff.rows} == {"the second set of gradients"}
    assert check_gradients(build(kind, NET, W), X, Y, nearly, loss="mse").verdict is Status.MISMATCH


def test_a_noise_made_beforehand() -> None:
    coarse = rounding_noise(NET.problem(W, X, Y, "mse"), "float32")
    nearly = {n: g * (1 + 1e-8) for n, g in MINE.items()}
    diff = check_gradients(_model(), X, Y, nearly, loss="mse", noise=coarse)
    assert [r.status for r in diff.rows] == [r.status for r in compare(nearly, _tape(), noise=coarse).rows]
    assert diff.ok
    assert check_gradients(_model(), X, Y, loss="mse", noise=coarse).ok


def _tape() -> Any:
    return backpropagate(_model(), X, Y, "mse")


def test_sizes_of_ones_own_name_a_factor(build: Any) -> None:
    times = {n: 13 * g for n, g in MINE.items()}
    for sizes, named in ((None, []), ((13, 2), ["missing_batch_mean"])):
        causes = check_gradients(build("functional float64", NET, W), X, Y, times, loss="mse", sizes=sizes).causes
        assert [c.id for c in causes[:1]] == named


OF_A_STEP = (
    "noise= with after=: what storing the weights hides belongs to the rounding of a step, and is added to what is "
    "computed or measured here. Leave noise= out, or give rtol=."
)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"gradients": MINE, "noise": MINE, "rtol": 1e-3},
            "Both noise= and rtol= were given. Name the rounding to expect once.",
        ),
        (
            {"after": AFTER, "learning_rate": 0.125, "noise": MINE},
            OF_A_STEP,
        ),
        (
            {"names": {"w": "dense_1/kernel"}},
            "names= without gradients= or after=: there is nothing of yours to rename. Leave it out.",
        ),
        (
            {"gradients": MINE, "names": {"w": "dense_1/kernel"}},
            "names= renames w, which gradients has not: dense_1/kernel, dense_1/bias, dense_2/kernel, dense_2/bias.",
        ),
        ({"gradients": MINE, "rtol": 0.0}, "rtol=0.0: expected a finite number above 0, such as 1e-6."),
    ],
)
def test_options_that_do_not_go_together_are_refused(options: dict[str, Any], text: str) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(text)}$"):
        check_gradients(_model(), X, Y, loss="mse", **options)
