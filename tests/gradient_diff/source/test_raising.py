"""An exception in a derivation keeps its type and says which operands met, and what fits: tried, not guessed."""

from __future__ import annotations

import linecache
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gradient_diff import compare
from gradient_diff.source import raising
from gradient_diff.source.raising import explaining
from manual_mlp import MLP, Dense, Evaluation


def s(a: Any) -> Any:
    return 1 / (1 + np.exp(-a))


@pytest.fixture(scope="module")
def e() -> Evaluation:
    mlp, rng = MLP(6, [Dense(5, "sigmoid"), Dense(3)]), np.random.default_rng(0)
    x, y = rng.normal(size=(7, 6)), rng.normal(size=(7, 3))
    return mlp.backpropagate(mlp.initialize(0, "glorot_normal", "normal(0.3)"), x, y, "mse")


def forward(p: Any, x: Any, y: Any) -> tuple[Any, ...]:
    W1, b1, W2, b2 = p.values()
    z1 = s(x @ W1 + b1)
    return W1, W2, z1, 2 * (z1 @ W2 + b2 - y) / y.size


def matmul(p: Any, x: Any, y: Any) -> Any:
    _, W2, _, d2 = forward(p, x, y)
    return d2 @ W2


def dot(p: Any, x: Any, y: Any) -> Any:
    _, _, z1, d2 = forward(p, x, y)
    return np.dot(z1, d2)


def method(p: Any, x: Any, y: Any) -> Any:
    _, _, z1, d2 = forward(p, x, y)
    return z1.dot(d2)


def other_way_round(p: Any, x: Any, y: Any) -> Any:
    _, W2, _, d2 = forward(p, x, y)
    return np.dot(W2, d2)


def columns(p: Any, x: Any, y: Any) -> Any:
    _, W2, _, d2 = forward(p, x, y)
    D, V = d2.T, W2.T
    return np.dot(V, D)


def adds(p: Any, x: Any, y: Any) -> Any:
    W1, b1, W2, b2 = p.values()
    return s(x @ W1 + b1) @ W2 + b1 + 0 * b2.sum()


def times(p: Any, x: Any, y: Any) -> Any:
    _, W2, z1, d2 = forward(p, x, y)
    back = d2 @ W2.T
    return back * (z1 * (1 - z1)).T


def einsum(p: Any, x: Any, y: Any) -> Any:
    _, _, z1, d2 = forward(p, x, y)
    return np.einsum("in,no->io", z1, d2)


def in_place(p: Any, x: Any, y: Any) -> Any:
    _, _, z1, d2 = forward(p, x, y)
    total = np.zeros((5, 3))
    for n in range(len(x)):
        total += np.outer(d2[n], z1[n])
    return total


def setitem(p: Any, x: Any, y: Any) -> Any:
    _, _, _, d2 = forward(p, x, y)
    grads = np.zeros(3)
    grads[:] = d2.sum(axis=1)
    return grads


class Layer:
    def __init__(self, weight: Any) -> None:
        self.weight = weight

    def backward(self, grad: Any) -> Any:
        return grad @ self.weight


def of_a_class(p: Any, x: Any, y: Any) -> Any:
    _, W2, _, d2 = forward(p, x, y)
    return Layer(W2).backward(d2)


def by_index(p: Any, x: Any, y: Any) -> Any:
    weights = list(p.values())[::2]
    i = 0
    return (s(x @ weights[i] + p["dense_1/bias"]) @ weights[i])[i]


def lambdas(p: Any, x: Any, y: Any) -> Any:
    _, W2, _, d2 = forward(p, x, y)
    pull, other = (lambda g: g @ W2), (lambda g: g @ W2.T)
    return other(d2) + pull(d2)


RIGHT: dict[Callable[..., Any], tuple[str, str, str]] = {
    matmul: ("d2 @ W2", "`d2` (7, 3) is δ of dense_2; `W2` (5, 3) is W of dense_2.", "d2 @ W2.T"),
    dot: ("np.dot(z1, d2)", "`z1` (7, 5) is z of dense_1; `d2` (7, 3) is δ of dense_2.", "np.dot(z1.T, d2)"),
    method: ("z1.dot(d2)", "`z1` (7, 5) is z of dense_1; `d2` (7, 3) is δ of dense_2.", "z1.T.dot(d2)"),
    other_way_round: ("np.dot(W2, d2)", "`d2` (7, 3) is δ of dense_2.", "np.dot(d2, W2.T)"),
    columns: ("np.dot(V, D)", "`D` (3, 7) is δ of dense_2, transposed.", "np.dot(V.T, D)"),
    adds: ("s(x @ W1 + b1) @ W2 + b1", "`b1` (5,) is b of dense_1.", "s(x @ W1 + b1) @ W2 + b2"),
    times: ("back * (z1 * (1 - z1)).T", "is f′ of dense_1, transposed", "back * (z1 * (1 - z1))"),
    einsum: ('np.einsum("in,no->io", z1, d2)', "`z1` (7, 5) is z of dense_1", 'np.einsum("ni,no->io", z1, d2)'),
    in_place: ("total += np.outer(d2[n], z1[n])", "`total` (5, 3) is all zeros", "total += np.outer(z1[n], d2[n])"),
    setitem: ("grads[:]", "`grads[:]` (3,) is all zeros", "grads[:] = d2.sum(axis=0)"),
    of_a_class: ("grad @ self.weight", "`grad` (7, 3) is δ of dense_2", "grad @ self.weight.T"),
    lambdas: ("g @ W2", "`g` (7, 3) is δ of dense_2", "g @ W2.T"),
}


def note(function: Callable[..., Any], e: Evaluation) -> str:
    with pytest.raises(Exception) as caught:  # noqa: PT011  # of any type: each is looked at
        compare(function, e)
    return "\n".join(caught.value.__notes__[1:])


@pytest.mark.parametrize("function", RIGHT, ids=lambda f: f.__name__)
def test_the_note_has_the_span_the_operands_and_what_fits(function: Callable[..., Any], e: Evaluation) -> None:
    text, operands, right = RIGHT[function]
    said = note(function, e)
    lines = said.splitlines()
    carets = lines[2].removeprefix("    ")
    assert lines[1].removeprefix("    ")[carets.index("^") : len(carets)] == text
    assert operands in said
    assert f"Write {right}\nTried: " in said


def test_the_equation_is_said_with_the_caller_s_shapes(e: Evaluation) -> None:
    assert note(dot, e) == (
        f"test_raising.py:{dot.__code__.co_firstlineno + 2}, in dot:\n"
        "    return np.dot(z1, d2)\n           ^^^^^^^^^^^^^^\n"
        "`z1` (7, 5) is z of dense_1; `d2` (7, 3) is δ of dense_2.\n"
        "dE/dW of dense_2: dE/dW = z_prevᵀ δ, (7, 5)ᵀ @ (7, 3) → (5, 3).\n"
        "Write np.dot(z1.T, d2)\nTried: it is dE/dW of dense_2."
    )


def keys(p: Any, x: Any, y: Any) -> Any:
    return p["dense_1/kernal"]


def entries(p: Any, x: Any, y: Any) -> Any:
    zs, layer = [x, x + 1], 1
    return zs[layer + 1]


def lists(p: Any, x: Any, y: Any) -> Any:
    row, delta = x[0].tolist(), y.tolist()
    return [row] * delta


def no_arrays(p: Any, x: Any, y: Any) -> Any:
    row, delta = x[0].tolist(), y.tolist()
    return row * delta


def helpers(p: Any, x: Any, y: Any) -> Any:
    def product(a: Any, b: Any) -> Any:
        return a @ b

    W1 = p["dense_1/kernel"]
    turned = W1.reshape(5, 6)
    return product(x, turned)


def apart(p: Any, x: Any, y: Any) -> Any:
    W1, _, _, d2 = forward(p, x, y)
    return d2 @ W1.T


def weights(p: Any, x: Any, y: Any) -> Any:
    V, out = p["dense_2/kernel"].T, np.zeros((3, 5))
    out[:] = V.T
    return out


SAID: dict[Callable[..., Any], tuple[type[Exception], str]] = {
    keys: (KeyError, "Did you mean 'dense_1/kernel'?"),
    entries: (IndexError, "`zs` has 2 entries, counted from 0; `layer + 1` is 2."),
    lists: (TypeError, "`delta` list (7, 3) is y"),
    no_arrays: (TypeError, "np.array(row) does"),
    helpers: (ValueError, "`b` was made in line"),
    weights: (ValueError, "`V.T` (5, 3) is W of dense_2."),
    apart: (ValueError, "No equation of this network takes δ of dense_2 and W of dense_1, transposed together."),
}


@pytest.mark.parametrize("function", SAID, ids=lambda f: f.__name__)
def test_where_nothing_fits_it_says_what_there_is(function: Callable[..., Any], e: Evaluation) -> None:
    kind, text = SAID[function]
    with pytest.raises(kind):
        compare(function, e)
    said = note(function, e)
    assert text in said
    assert "Write" not in said


def test_a_check_of_the_user_s_own_needs_no_note(e: Evaluation) -> None:
    def refuses(p: Any, x: Any, y: Any) -> Any:
        raise ValueError(f"x is {x.shape}")

    assert note(refuses, e) == ""


def test_the_second_run_prints_nothing_and_draws_nothing(e: Evaluation, capsys: pytest.CaptureFixture[str]) -> None:
    seen, drawn = [], []

    def noisy(p: Any, x: Any, y: Any) -> Any:
        print("here")  # noqa: T201  # as users do
        seen.append(np.random.rand())  # noqa: NPY002
        drawn.append(random.random())
        return x @ y

    random.seed(3)
    np.random.seed(3)  # noqa: NPY002
    assert "`x` (7, 6) is x" in note(noisy, e)
    after = np.random.rand()  # noqa: NPY002
    np.random.seed(3)  # noqa: NPY002
    more = random.random()
    random.seed(3)
    assert [*drawn, more] == [random.random(), random.random()]
    assert [*seen, after] == [np.random.rand(), np.random.rand()]  # noqa: NPY002
    assert capsys.readouterr().out == "here\n"


CALLS: list[int] = []


def once(p: Any, x: Any, y: Any) -> Any:
    CALLS.append(1)
    if len(CALLS) > 1:
        raise KeyError("elsewhere")
    return x @ y


def test_where_the_second_run_raises_elsewhere_only_shapes_are_said(e: Evaluation) -> None:
    said = note(once, e)
    assert said.endswith("`x` (7, 6); `y` (7, 3).")
    assert len(CALLS) > 1


def test_without_a_network_shapes_are_said() -> None:
    x, y = np.ones((7, 6)), np.ones((7, 3))
    with pytest.raises(ValueError, match="matmul") as caught, explaining(matmul, lambda: None):
        x @ y
    assert not hasattr(caught.value, "__notes__") or "`x` (7, 6); `y` (7, 3)." in caught.value.__notes__[0]


def test_a_fault_of_ours_is_never_the_user_s(e: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(raising, "scene_again", breaks)
    with pytest.raises(ValueError, match="matmul") as caught:
        compare(matmul, e)
    assert len(caught.value.__notes__) == 1


def test_the_traceback_ends_in_the_user_s_line(e: Evaluation) -> None:
    with pytest.raises(ValueError, match="matmul") as caught:
        compare(matmul, e)
    assert caught.traceback[-1].name == "matmul"


class Net:
    def __init__(self) -> None:
        self.W, self.b, self.seen = np.ones((6, 5)), np.ones((1, 6)), []

    def gradients(self, p: Any, x: Any, y: Any) -> Any:
        self.W -= 1
        self.seen.append(x)
        return x @ self.W + self.b


def test_the_second_run_leaves_an_object_as_the_first_left_it(e: Evaluation) -> None:
    net = Net()
    assert "`x @ self.W` (7, 5)" in note(net.gradients, e)
    assert not net.W.any()
    assert [type(a) for a in net.seen] == [np.ndarray]


def test_source_that_changed_on_disk_is_not_quoted(e: Evaluation, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text("def gradients(p, x, y):\n    return x @ y\n", encoding="utf-8")
    space: dict[str, Any] = {}
    exec(compile(file.read_text(encoding="utf-8"), str(file), "exec"), space)
    file.write_text("# new\ndef gradients(p, x, y):\n    return x @ y\n", encoding="utf-8")
    assert note(space["gradients"], e) == ""
    file.write_text("def gradients(p, a, y):\n    return a @ y\n", encoding="utf-8")
    linecache.checkcache()
    assert note(space["gradients"], e) == ""


def test_without_source_there_is_no_note(e: Evaluation) -> None:
    space: dict[str, Any] = {}
    exec("def gradients(p, x, y):\n    return x @ y\n", space)
    assert note(space["gradients"], e) == ""
