"""Functions of the user's are tried in place of an expression only where their source shows that they only compute."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.source.harmless import is_harmless
from manual_mlp import MLP, Dense, evaluation_of

HARMLESS = """
import math
import numpy as np
from numpy import clip, exp

kept = []
stored = np.zeros(3)

def sigmoid(z):
    return 1 / (1 + exp(-z))

def by_name(z):
    s = sigmoid(z)
    return s * (1 - s)

def by_mask(z):
    slope = np.ones_like(z)
    slope[z <= 0] = 0
    return slope

def in_place_of_a_copy(z):
    z = z.copy()
    z *= 2
    return z

def by_clipping(z):
    return np.where(z > 0, np.clip(z, 0, 6), np.dot(z, z.T).reshape(1, -1))

def by_rows(z):
    rows = [row.sum() for row in z]
    return np.array(rows).reshape(-1, 1)

def by_cases(z):
    if z.ndim != 2:
        raise ValueError("of a matrix")
    return np.where(z > 0, z, math.exp(1) * abs(z))

by_lambda = lambda z: z * (1 - z)
"""
HARMFUL = """
def keeps(z):
    kept.append(z)
    return z

def counts(z):
    global calls
    calls = 1
    return z

def writes_into_its_argument(z):
    z[z <= 0] = 0
    return z

def writes_into_another_name_of_it(z):
    out = z
    out[out <= 0] = 0
    return out

def adds_to_its_argument(z):
    z += 1
    return z

def writes_by_out(z):
    return np.exp(z, out=stored)

def writes_by_position(z):
    return np.exp(z, stored)

def writes_by_the_position_of_a_function(z):
    return np.clip(z, 0, 1, z)

def writes_by_the_position_of_a_bare_name(z):
    return exp(z, stored)

def writes_by_the_position_of_a_bare_function(z):
    return clip(z, 0, 1, z)

def writes_by_the_position_of_a_method(z):
    return z.dot(z, stored)

def writes_where_it_does_not_copy(z):
    return np.nan_to_num(z, copy=False)

def writes_by_a_method(z):
    z.sort()
    return z

def writes_into_what_is_kept(z):
    stored[0] = 1
    return z

def draws(z):
    return z + np.random.normal(size=z.shape)

def opens(z):
    open("a", "w").write("b")
    return z

def saves(z):
    np.save("a.npy", z)
    return z

def imports(z):
    import shutil
    return z

def runs(z):
    exec("kept.append(1)")
    return z

def calls_what_keeps(z):
    return keeps(z)

def calls_itself(z):
    return calls_itself(z)

def calls_what_it_is_given(z):
    return z(1)

def sets(z):
    z.flags.writeable = True
    return z

def waits(z):
    while True:
        pass

class Layer:
    def step(self):
        kept.append(1)

layer = Layer()

def calls_a_method(z):
    layer.step()
    return z

def gives_by_and_by(z):
    yield z
"""


@pytest.fixture
def module(tmp_path: Path) -> ModuleType:
    return imported(tmp_path / "functions_of_one.py", HARMLESS + HARMFUL)


def imported(path: Path, text: str) -> ModuleType:
    path.write_text(text)
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def names_in(text: str) -> list[str]:
    return [line.split("(")[0].split()[1] for line in text.splitlines() if line.startswith("def ")]


@pytest.mark.parametrize("name", [*names_in(HARMLESS), "by_lambda"])
def test_what_only_computes_is_harmless(name: str, module: ModuleType) -> None:
    assert is_harmless(getattr(module, name))


@pytest.mark.parametrize("name", names_in(HARMFUL))
def test_whatever_may_do_more_is_not(name: str, module: ModuleType) -> None:
    assert not is_harmless(getattr(module, name))


def test_what_has_no_source_is_not(module: ModuleType) -> None:
    exec("def without(z): return z", module.__dict__)
    assert not is_harmless(module.without)


def test_a_function_that_nobody_called_is_not_called_by_a_trace(tmp_path: Path) -> None:
    """It was: a file's own function of one argument was tried wherever a slope was missing, whatever it did."""
    module = imported(
        tmp_path / "derivation.py",
        """
import numpy as np

called = []

def tidy_up(folder):
    called.append(folder)
    return folder

def slope(z):
    return 1 - z**2

def derive(parameters, x, y):
    z = np.tanh(x @ parameters["dense_1/kernel"] + parameters["dense_1/bias"])
    d2 = 2 * (z @ parameters["dense_2/kernel"] + parameters["dense_2/bias"] - y) / y.size
    d1 = d2 @ parameters["dense_2/kernel"].T
    return {
        "dense_1/kernel": x.T @ d1, "dense_1/bias": d1.sum(0), "dense_2/kernel": z.T @ d2, "dense_2/bias": d2.sum(0)
    }
""",
    )
    mlp, rng = MLP(3, [Dense(4, "tanh"), Dense(2)]), np.random.default_rng(0)
    problem = mlp.problem(mlp.initialize(rng), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")
    code = compare(module.derive, evaluation_of(problem)).code
    assert code is not None
    assert code.findings[0].line == 16
    assert code.findings[0].fix
    assert module.called == []


def test_a_derivation_that_compares_is_traced_once() -> None:
    mlp, rng = MLP(3, [Dense(2)]), np.random.default_rng(0)
    problem = mlp.problem(mlp.initialize(rng), rng.normal(size=(5, 3)), rng.normal(size=(5, 2)), "mse")
    silent = []

    def derive(parameters: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        delta = x @ parameters["dense_1/kernel"] + parameters["dense_1/bias"] - y
        return {"dense_1/kernel": x.T @ delta, "dense_1/bias": delta.sum(0)}

    def checking(parameters: dict[str, np.ndarray], x: np.ndarray, y: np.ndarray) -> dict[str, np.ndarray]:
        inner = compare(derive, evaluation_of(problem)).code
        silent.append(inner is not None and inner.silent)
        return derive(parameters, x, y)

    code = compare(checking, evaluation_of(problem)).code
    assert code is not None
    assert code.findings
    assert silent[0] == ""  # before anything is traced
    assert silent[-1] == "It is called by code that is being traced: only the outermost derivation is."
