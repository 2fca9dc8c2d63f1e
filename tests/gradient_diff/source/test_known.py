"""Every form of every piece is recognised, and nothing else: not what is off by 1e-9, not what is drawn at random."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from gradient_diff.source.forms import Recognised, entries_of, forms_of
from gradient_diff.source.known import Known
from gradient_diff.source.piece import Piece
from manual_mlp import Array, Problem

KERNEL, BIAS = "dense_1/dE_dkernel", "dense_1/dE_dbias"


def named(known: Known, array: Array) -> Recognised:
    found = known.recognise(array)
    assert found is not None
    return found


def is_of(piece: Piece, found: Recognised | None) -> bool:
    return found is not None and piece.node in found.nodes


def held(piece: Piece) -> dict[str, Array]:
    """A piece as people hold it, by what they do to it."""
    a = piece.array
    if a.ndim == 1:
        return {"": a, "row": a[None], "column": a[:, None]}
    whole = {"": a, "ᵀ": a.T, "flat": a.ravel()} if a.ndim == 2 else {"": a}
    rows = range(len(a)) if piece.per_sample and a.ndim == 2 else ()
    single = {f"{i}": a[i] for i in rows} | {f"{i} row": a[i : i + 1] for i in rows}
    return whole | single | {f"{i} column": a[i][:, None] for i in rows}


def test_every_form_of_every_piece(known: Known) -> None:
    for piece in known.pieces:
        for how, array in held(piece).items():
            found = known.recognise(array)
            assert found is not None, (piece.node, how)
            value = known.factors[found.factor] * found.form.array
            np.testing.assert_allclose(value, array, 1e-12, err_msg=f"{piece.node} {how}")
            if array.size > 3:  # a few numbers may be those of another piece, too
                assert is_of(piece, found) or found.form.rows is not None, (piece.node, how, found.nodes)


def test_what_is_of_one_piece_only_has_its_name(known: Known) -> None:
    """All that share a value are named: by `node` or by `also`."""
    for piece in known.pieces:
        found = named(known, piece.array)
        assert is_of(piece, found), (piece.node, found.nodes)
        assert found.exact
        assert found.form.rows is None


def test_every_entry(known: Known) -> None:
    for piece in known.pieces:
        for form in itertools.islice(entries_of(piece, known.batch), 40):
            if form.array:
                found = named(known, form.array)
                value = known.factors[found.factor] * found.form.array
                assert np.allclose(value, form.array, 1e-9, 1e-12), form.name


def test_an_entry_says_which(known: Known) -> None:
    found = named(known, known.by_node["dense_1/z"].array[3, 1])
    assert (found.node, found.form.rows, found.form.at) == ("dense_1/z", (3,), (1,))
    assert found.words == "z of dense_1 (sample 3)[1]"


@pytest.mark.parametrize(("turn", "how"), [(False, ""), (True, "ᵀ")])
@pytest.mark.parametrize("node", ["x", "dense_1/u", "dense_1/z", "dense_1/f′", "dense_1/dE_du", "dense_2/z − y"])
def test_any_rows_in_any_order(known: Known, node: str, turn: bool, how: str) -> None:
    array = known.by_node[node].array
    for count in (2, 3, 4, 5):
        for rows in itertools.islice(itertools.permutations(range(5), count), 0, None, 5):
            if rows == tuple(range(5)):
                continue
            taken = array[list(rows)]
            found = named(known, taken.T if turn else taken)
            assert (found.node, found.form.rows, found.form.how) == (node, rows, how)


def test_rows_of_two_pieces_are_none(known: Known) -> None:
    u, z = known.by_node["dense_1/u"].array, known.by_node["dense_1/z"].array
    assert known.recognise(np.stack([u[0], z[1]])) is None
    assert known.recognise(np.stack([z[0], 2 * z[1]])) is None


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_sums_over_any_samples(known: Known, problem: Problem, count: int) -> None:
    delta = known.by_node["dense_1/dE_du"].array
    for rows in itertools.combinations(range(5), count):
        which = list(rows)
        kernel, bias = named(known, problem.x[which].T @ delta[which]), named(known, delta[which].sum(0))
        assert (kernel.node, kernel.form.rows) == (KERNEL, rows)
        assert BIAS in bias.nodes or (count == 1 and "dense_1/dE_du" in bias.nodes)
        assert bias.form.rows == rows


def test_running_sums_of_many_samples(problem: Problem) -> None:
    rng = np.random.default_rng(1)
    many = problem.mlp.problem(problem.parameters, rng.normal(size=(9, 4)), rng.normal(size=(9, 2)), problem.loss)
    known = Known(many)
    delta = known.by_node["dense_1/dE_du"].array
    for count in range(2, 9):
        found = named(known, many.x[:count].T @ delta[:count])
        assert (found.node, found.form.rows) == (KERNEL, tuple(range(count)))
    assert known.recognise(many.x[[1, 4]].T @ delta[[1, 4]]) is None  # 2⁹ sums would be too many


def test_a_column_of_ones_and_the_bias_in_the_kernel(known: Known, problem: Problem) -> None:
    W, b = problem.parameters["dense_1/kernel"], problem.parameters["dense_1/bias"]
    ones, dW, db = np.ones((5, 1)), known.by_node[KERNEL].array, known.by_node[BIAS].array
    for first in (True, False):
        order = slice(None) if first else slice(None, None, -1)
        assert named(known, np.hstack([ones, problem.x][order])).node == "x with ones"
        assert named(known, np.vstack([b[None], W][order])).node == "dense_1/kernel with the bias"
        assert named(known, np.hstack([b[:, None], W.T][order])).form.how == "ᵀ"
        assert named(known, np.vstack([db[None], dW][order])).node == f"{KERNEL} with the bias"


@pytest.mark.parametrize("turn", [False, True])
def test_all_in_one_vector(known: Known, problem: Problem, turn: bool) -> None:
    def flat(arrays: list[Array]) -> Array:
        return np.concatenate([(a.T if turn else a).ravel() for a in arrays])

    names = list(problem.parameters)
    assert named(known, flat([problem.parameters[n] for n in names])).node == "θ"
    assert named(known, flat([known.by_node[f"{n.replace('/', '/dE_d')}"].array for n in names])).node == "dE/dθ"


@pytest.mark.parametrize("node", [KERNEL, "dense_2/dE_du", "dense_1/dE_dz"])
def test_every_factor(known: Known, node: str) -> None:
    array = known.by_node[node].array
    for factor, value in known.factors.items():
        found = named(known, value * array)
        assert np.allclose(known.factors[found.factor] * found.form.array, value * array, 1e-12, 0)
        assert (found.factor == factor) or found.node != node or found.exact


def test_a_learning_rate(problem: Problem) -> None:
    known = Known(problem, 0.3)
    kernel = known.by_node[KERNEL].array
    stepped = problem.parameters["dense_1/kernel"] - 0.3 * kernel
    assert named(known, stepped).node == "dense_1/kernel after the step"
    assert named(known, 0.3 * kernel).factor == "η"
    assert Known(problem).recognise(stepped) is None


def test_off_by_a_billionth_is_unknown(known: Known) -> None:
    rng = np.random.default_rng(0)
    for piece in known.pieces:
        for form in forms_of(piece, known.batch):
            if form.array.size > 1:
                at = tuple(int(rng.integers(n)) for n in form.array.shape)
                off = form.array.copy()
                off[at] += 1e-9 * np.abs(off).max()
                assert known.recognise(off) is None, form.name
                assert known.recognise(form.array * (1 + 1e-9)) is None, form.name


def test_nothing_drawn_at_random_is_recognised(known: Known) -> None:
    rng = np.random.default_rng(0)
    shapes = [(), *sorted({f.array.shape for p in known.pieces for f in forms_of(p, known.batch)})]
    sizes = 10.0 ** rng.integers(-3, 3, size=2000)
    drawn = [rng.normal(size=shapes[i % len(shapes)]) * size for i, size in enumerate(sizes)]
    assert [a for a in drawn if known.recognise(a) is not None] == []


@pytest.mark.parametrize("value", [np.zeros((5, 3)), np.full((5, 3), np.inf), np.full((5, 3), np.nan), np.ones(0)])
def test_zeros_and_infinities_are_nothing(known: Known, value: Array) -> None:
    assert known.recognise(value) is None


def test_words_and_integers_are_nothing(known: Known) -> None:
    assert known.recognise(np.array(["a"])) is None
    assert known.recognise(np.arange(15).reshape(5, 3)) is None


def test_float32_may_be_off_by_its_own_rounding(known: Known) -> None:
    z = known.by_node["dense_1/z"].array
    assert named(known, z.astype(np.float32)).node == "dense_1/z"
    assert known.recognise(z.astype(np.float32).astype(float)) is None  # as a float64 it is off


def test_a_result_may_be_off_by_the_rounding_of_what_went_in(known: Known) -> None:
    off = known.by_node["dense_1/dE_du"].array + 1e-13
    assert known.recognise(off) is None
    found = known.recognise(off, 1e3)  # whoever asked before
    assert found is not None
    assert found.node == "dense_1/dE_du"


def test_words_of_what_it_is(known: Known) -> None:
    delta = known.by_node["dense_2/dE_du"].array
    assert named(known, -delta.T).words.startswith("minus ")
    assert named(known, -delta.T).words.endswith(" of dense_2, transposed")
    partial = known.by_node["dense_1/z"].array[[0, 2]].T @ delta[[0, 2]]
    assert named(known, partial).words == "dE/dW of dense_2 (summed over samples 0, 2)"
