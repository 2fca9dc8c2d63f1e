"""Networks on which mistakes are made, by derivations that share nothing with the engine that names them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from experiments.students.slips import Slip, possible_slips
from experiments.students.wrong_derivations import with_decay, wrong_gradients
from gradient_diff import GradientDiff, compare
from gradient_diff.diagnosis.mistake import REGISTERED
from manual_mlp import MLP, Activation, Dense, Dropout, Loss, Problem, evaluation_of
from manual_mlp.extend import Arrays, draw_data

SOFTMAX = Activation("softmax")
NETS: dict[str, tuple[MLP, int, str | Loss]] = {
    "regression": (MLP(3, [Dense(5, "tanh"), Dense(2)]), 7, "mean_squared_error"),
    "one output": (MLP(2, [Dense(5, "sigmoid"), Dense(1)]), 7, "quadratic_cost"),
    "one output, summed": (MLP(2, [Dense(3, "tanh"), Dense(1)]), 5, "half_sum_squared_error"),
    "sigmoid output": (MLP(3, [Dense(7, "tanh"), Dense(5, "sigmoid"), Dense(2, "sigmoid")]), 11, "mean_squared_error"),
    "softmax output": (MLP(3, [Dense(5, "tanh"), Dense(7, "softmax")]), 11, "sum_squared_error"),
    "classes": (MLP(2, [Dense(7, "sigmoid"), Dense(5, "tanh"), Dense(3, "softmax")]), 11, "categorical_crossentropy"),
    "labels": (MLP(3, [Dense(7, "relu"), Dense(5, "softmax")]), 11, "sparse_categorical_crossentropy"),
    "logits": (MLP(3, [Dense(5, "tanh"), Dense(2)]), 7, Loss("binary_crossentropy", from_logits=True)),
    "yes or no": (MLP(3, [Dense(7, "relu"), Dense(5, "relu"), Dense(1, "sigmoid")]), 13, "binary_crossentropy"),
    "square": (MLP(5, [Dense(5, "tanh"), Dense(5, "sigmoid"), Dense(5)]), 5, "half_sum_squared_error"),
    "square classes": (MLP(3, [Dense(3, "sigmoid")] * 2 + [Dense(3, "softmax")]), 7, "categorical_crossentropy"),
    "dropped": (
        MLP(3, [Dense(7, "tanh"), Dropout(0.3), Dense(5, "sigmoid"), Dropout(0.5), Dense(2)]),
        11,
        "mean_squared_error",
    ),
    "dropped square": (
        MLP(5, [Dense(5), Activation("relu"), Dropout(0.4), Dense(5, "tanh"), Dropout(0.25), Dense(5)]),
        7,
        "quadratic_cost",
    ),
    "decayed": (
        MLP(3, [Dense(5, kernel_l2=0.03), Activation("tanh"), Dense(7, "sigmoid"), Dense(3, kernel_l2=0.1), SOFTMAX]),
        11,
        "categorical_crossentropy",
    ),
    "decayed regression": (
        MLP(3, [Dense(5, "tanh", kernel_l2=0.03), Dense(2, kernel_l2=0.03)]),
        7,
        "mean_squared_error",
    ),
    "certain": (MLP(3, [Dense(7, "tanh"), Dense(5, "softmax")]), 11, "categorical_crossentropy"),
    "certain yes": (MLP(3, [Dense(7, "tanh"), Dense(2, "sigmoid")]), 11, "binary_crossentropy"),
    "square batch": (MLP(3, [Dense(5, "tanh"), Dense(5, "softmax")]), 5, "categorical_crossentropy"),
    "square errors": (MLP(3, [Dense(5, "tanh"), Dense(5, "softmax")]), 5, "mean_squared_error"),
}
"""Widths and batch are different primes, but for the square ones."""

SATURATED = ("certain", "certain yes")
"""For what happens at the clip alone: elsewhere 1 − p, as a student writes it, has lost all its digits."""

LAYERED = ("dropped", "dropped square", "decayed", "decayed regression")
"""Here most mistakes are made in float64 only: float32 adds nothing that the plain nets do not show."""

DTYPES = ("float64", "float32")
ENOUGH = 4
"""On so many nets the quick tier makes a mistake, each in one dtype; the slow one makes it on all, in both."""


def dtypes_of(net: str, mistake: str, quick: bool) -> tuple[str, ...]:
    """In which dtypes a mistake is made: both for the plain nets; where it is to be quick, one after the other."""
    if net in LAYERED and not mistake.startswith(("dropout", "l2")):
        return DTYPES[:1]
    return DTYPES[list(NETS).index(net) % 2 :][:1] if quick else DTYPES


def make_problem(name: str, dtype: str = "float64") -> Problem:
    mlp, batch, loss = NETS[name]
    rng = np.random.default_rng(list(NETS).index(name))
    factor = 30.0 if name.startswith("certain") else 1.0
    parameters = mlp.initialize(rng, "glorot_normal", "normal(0.3)")
    x, y = draw_data(rng, batch, mlp, loss)
    y = y if y.dtype.kind == "i" else y.astype(dtype)
    parameters = {n: (factor * a).astype(dtype) for n, a in parameters.items()}
    return mlp.problem(parameters, x.astype(dtype), y, loss, draws=mlp.draws(rng, batch, dtype))


def judge(problem: Problem, *slips: Slip) -> GradientDiff:
    rate = next((s.value for s in slips if s.id.startswith("l2_")), 0.0)
    reference = evaluation_of(problem)
    layout = "as given" if any(s.id == "convention_transposed" for s in slips) else None  # else it is undone
    return compare(wrong_gradients(problem, *slips), with_decay(reference, rate) if rate else reference, layout=layout)


@pytest.fixture(scope="session")
def problem() -> Callable[..., Problem]:
    """(name of a net, dtype) → the net with weights and data."""
    return make_problem


@pytest.fixture(scope="session")
def hand() -> Callable[..., Arrays]:
    """(problem, slips…) → what an independent derivation with these slips gives."""
    return wrong_gradients


@pytest.fixture(scope="session")
def diff() -> Callable[..., GradientDiff]:
    """(problem, slips…) → that derivation against the right one."""
    return judge


@pytest.fixture(scope="session", params=["on some nets", pytest.param("on all", marks=pytest.mark.slow)])
def rightly_named(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Assert that a mistake is named first, or tied with the first, wherever it shows, in every form of it."""
    quick = request.param != "on all"

    def check(name: str) -> None:
        missed, seen, unlisted = [], set(), set()
        for net in (n for n in NETS if n not in SATURATED or name == "probability_clip"):
            if quick and len({seen_on for seen_on, _ in seen}) == ENOUGH:
                break
            for dtype in dtypes_of(net, name, quick):
                known = make_problem(net, dtype)
                for slip in (s for s in possible_slips(known) if s.id == name):
                    try:
                        result = judge(known, slip)
                    except ValueError:
                        continue  # no earlier step leads to these weights
                    if not result.verdict.bad:
                        continue  # it makes no difference here
                    seen.add((net, dtype))
                    causes = result.causes
                    if not causes or name not in (causes[0].id, *causes[0].same_as):
                        missed.append(f"{net}, {dtype}: {slip}: {[cause.id for cause in causes]}")
                    elif not causes[0].together:
                        unlisted |= {causes[0].id, *causes[0].same_as} - {name, *REGISTERED[name].alike}
        assert missed == []
        assert unlisted & REGISTERED.keys() == set(), f"look-alikes of {name} that its record does not list"
        for dtypes in [DTYPES] if quick else [DTYPES[:1], DTYPES[1:]]:
            assert len({net for net, dtype in seen if dtype in dtypes}) >= 2

    return check
