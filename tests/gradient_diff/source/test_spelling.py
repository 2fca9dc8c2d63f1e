"""What might have been meant: small changes by kind of node, constants by what they are, equations by own names."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import numpy as np
import pytest

from gradient_diff.source.changing import changed
from gradient_diff.source.forms import Form
from gradient_diff.source.frames import Own
from gradient_diff.source.known import Known
from gradient_diff.source.mutations import mutations
from gradient_diff.source.proposals import Proposal, Wanted, fitting, in_place_of
from gradient_diff.source.scaling import scaled
from gradient_diff.source.spelling import candidates, slopes
from gradient_diff.source.text import Source, span_of
from manual_mlp import Array, Problem


@pytest.fixture(scope="module")
def values(known: Known, problem: Problem) -> dict[str, Array]:
    node = {n: p.array for n, p in known.by_node.items()}
    return {
        "x": problem.x,
        "y": problem.y,
        "W1": node["dense_1/kernel"],
        "W2": node["dense_2/kernel"],
        "b1": node["dense_1/bias"],
        "u1": node["dense_1/u"],
        "z1": node["dense_1/z"],
        "d1": node["dense_1/dE_du"],
        "d2": node["dense_2/dE_du"],
        "n": np.asarray(5.0),
    }


@pytest.fixture(scope="module")
def own(known: Known, values: dict[str, Array]) -> list[Own]:
    return [Own(name, value, known.recognise(value)) for name, value in values.items()]


def expression(text: str) -> ast.expr:
    return ast.parse(text, mode="eval").body


def wanted(known: Known, node: str, now: Array | None = None) -> Wanted:
    piece = known.by_node[node]
    return Wanted(Form(piece, "", piece.array, np.asarray(piece.tolerance)), piece.array, now)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("W1.T", {"W1"}),
        ("W1", {"W1.T", "W2", "W1 ** 2", "1 - W1"}),
        ("a[i]", {"a[i + 1]", "a[i - 1]"}),
        ("a[i + 1]", {"a[i]"}),
        ("a - b", {"a + b", "a * b", "a", "b", "b - a"}),
        ("a * b", {"a / b", "a @ b", "a + b"}),
        ("a @ b", {"a * b", "b @ a"}),
        ("a / b", {"a * b"}),
        ("a + 1", {"a", "a - 1", "a + 0"}),
        ("-a", {"a"}),
        ("a > 0", {"a < 0", "a <= 0"}),
        ("a > b", {"a > 0"}),
        ("2", {"1", "0", "-1", "0.5"}),
        ("a.mean(axis=0)", {"a.sum(axis=0)", "a.mean(axis=1)", "a.mean(axis=0, keepdims=True)"}),
        ("np.sum(a, 1)", {"np.mean(a, 1)", "np.sum(a, axis=0)", "np.sum(1, a)"}),
        ("np.dot(a, b)", {"np.dot(b, a)"}),
        ("np.exp(a)", {"a"}),
        ("a.max()", {"a.sum()"}),
    ],
)
def test_small_changes(own: list[Own], text: str, meant: set[str]) -> None:
    node = expression(text)
    found = set()
    for proposal in changed(node, own):
        source = Source("mine.py", text)
        found.add(source.edited(in_place_of(source, proposal)).text)
    assert meant <= found, (meant - found, found)
    assert ast.unparse(node) == text  # the user's tree is not changed


def test_names_of_the_same_role_cost_less(own: list[Own]) -> None:
    costs = {p.text: p.cost for p in changed(expression("W1"), own)}
    assert costs["W2"] < costs["z1"]


@pytest.mark.parametrize(
    ("text", "ratio", "meant"),
    [
        ("z1 - y", -1.0, "y - z1"),
        ("-d1", -1.0, "d1"),
        ("d1", -1.0, "-d1"),
        ("d1 + d1", -1.0, "-(d1 + d1)"),
        ("d1", 2.0, "2 * d1"),
        ("d1", 0.5, "d1 / 2"),
        ("d1", 0.2, "d1 / n"),
        ("d1", 5.0, "n * d1"),
        ("d1", 0.1, "d1 / y.size"),
        ("d1", 0.5, "d1 / y.shape[1]"),
        ("d1", 0.4, "2 * d1 / len(x)"),
        ("2 * d1", 0.5, "d1"),
        ("d1 / n", 5.0, "d1"),
    ],
)
def test_constants_by_what_they_are(known: Known, own: list[Own], text: str, ratio: float, meant: str) -> None:
    right = wanted(known, "dense_1/dE_du")
    now = Wanted(right.form, right.value, right.value / ratio)
    assert meant in [words for _, words in scaled(expression(text), now, own, known)]


@pytest.mark.parametrize("now", [None, np.zeros((5, 3)), np.ones((5, 3)), np.ones(3), np.full((5, 3), np.nan)])
def test_no_constant_between_them(known: Known, own: list[Own], now: Array | None) -> None:
    assert list(scaled(expression("d1"), wanted(known, "dense_1/dE_du", now), own, known)) == []


def test_each_activation_s_slope(known: Known, values: dict[str, Array]) -> None:
    """By the user's names of u and z, evaluated."""
    for activation, slope in {
        "sigmoid": lambda u, z: z * (1 - z),
        "tanh": lambda u, z: 1 - np.tanh(u) ** 2,
        "relu": lambda u, z: (u > 0) * 1.0,
    }.items():
        u = values["u1"]
        z = {"sigmoid": values["z1"], "tanh": np.tanh(u), "relu": np.maximum(u, 0)}[activation]
        name = known.recognise(values["z1"])
        own = [Own("u1", u, known.recognise(u)), Own("z1", z, name)]
        texts = list(slopes(activation, "dense_1", own))
        assert texts
        for text in texts:
            value = eval(text, {"np": np, "u1": u, "z1": z})
            np.testing.assert_allclose(value, slope(u, z), err_msg=text)
        assert list(slopes(activation, "dense_2", own)) == []


@pytest.mark.parametrize(
    ("node", "meant"),
    [
        ("dense_1/dE_dkernel", "x.T @ d1"),
        ("dense_1/u", "x @ W1 + b1"),
        ("dense_1/dE_dz", "d2 @ W2.T"),
        ("dense_1/dE_dbias", "d1.sum(axis=0)"),
        ("dense_1/z", "z1"),
    ],
)
def test_whole_equations(known: Known, own: list[Own], node: str, meant: str) -> None:
    proposals = list(candidates(expression("nothing"), wanted(known, node), own, known))
    assert meant in [p.text for p in proposals]


def test_only_what_gives_what_is_wanted(known: Known, own: list[Own], values: dict[str, Array]) -> None:
    source = Source("mine.py", "g = x.T @ d2")
    node = next(n for n in ast.walk(source.tree) if isinstance(n, ast.BinOp))
    right = wanted(known, "dense_1/dE_dkernel")

    def evaluate(text: str) -> Array | None:
        try:
            return np.asarray(eval(text, {"np": np, **values}))
        except Exception:  # noqa: BLE001  # as in the user's frame
            return None

    found = list(fitting(source, node, candidates(node, right, own, known), right, evaluate))
    texts = {source.edited(edit).text for _, edit in found}
    assert "g = x.T @ d1" in texts
    for text in texts:
        np.testing.assert_allclose(eval(text[4:], {"np": np, **values}), right.value, 1e-9)


@pytest.mark.parametrize(
    ("text", "part", "new", "edited"),
    [
        ("a = b * c", "c", "d + e", "a = b * (d + e)"),
        ("a = b * c", "b", "d * e", "a = d * e * c"),
        ("a = b * c", "c", "d * e", "a = b * (d * e)"),
        ("a = f(b)", "b", "d + e", "a = f(d + e)"),
        ("a = b.T @ c", "b", "d + e", "a = (d + e).T @ c"),
        ("a = -b", "b", "c ** 2", "a = -c ** 2"),
        ("a = b ** 2", "b", "-c", "a = (-c) ** 2"),
    ],
)
def test_brackets_only_where_they_are_needed(text: str, part: str, new: str, edited: str) -> None:
    source = Source("mine.py", text)
    node = next(n for n in ast.walk(source.tree) if isinstance(n, ast.expr) and ast.unparse(n) == part)
    assert source.edited(in_place_of(source, Proposal(1, node, new))).text == edited


def texts_of(text: str, part: str) -> Iterator[str]:
    source = Source("mine.py", text)
    node = next(n for n in ast.walk(source.tree) if isinstance(n, ast.expr) and ast.unparse(n) == part)
    yield from (source.edited(edit).text for edit in mutations(source, span_of(node)))


@pytest.mark.parametrize(
    ("text", "part", "meant"),
    [
        ("g -= a", "a", "g += a"),
        ("g += a", "a", "g = a"),
        ("g = a", "a", "g += a"),
        ("g = a", "a", "g[:] = a"),
        ("g = a > b", "a > b", "g = a < b"),
        ("g = a - b", "a - b", "g = a + b"),
        ("def f():\n    a = 1\n    b = a\n    return b\n", "a", "def f():\n    b = a\n    a = 1\n    return b\n"),
        ("for i in b:\n    c = i\n    d = c\n", "c", "for i in b:\n    d = c\n    c = i\n"),
    ],
)
def test_changes_that_no_value_asks_for(text: str, part: str, meant: str) -> None:
    assert meant in set(texts_of(text, part))


def test_no_statement_no_change() -> None:
    assert list(mutations(Source("mine.py", "a = 1"), (9, 9, 0, 1))) == []
