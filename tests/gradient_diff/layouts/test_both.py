"""The matrix of layouts: right hands pass and are told, one transposed array does not, wrong hands keep their cause."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import pytest

from experiments.students.layouts import LAYOUTS
from gradient_diff import GradientDiff, Status, compare
from gradient_diff.layouts.both import read_sides
from manual_mlp import MLP, Array, Dense, Evaluation
from manual_mlp.extend import Arrays

NETS: Mapping[str, tuple[int, tuple[int, ...], int]] = {
    "plain": (5, (4, 3), 7),
    "square": (4, (4, 4), 3),
    "square, N as wide": (3, (3, 3, 3), 3),
    "narrow": (3, (1, 2), 6),
    "one sample": (2, (3, 2), 1),
    "there and back": (2, (4, 2), 4),
    "one layer": (2, (5,), 3),
}
"""Name → inputs, widths, samples."""

TELLING = ("plain", "square", "square, N as wide", "there and back")
"""With two kernels at least of more than one row and column."""


def evaluated(name: str) -> Evaluation:
    inputs, widths, batch = NETS[name]
    mlp = MLP(inputs, [*(Dense(w, "tanh") for w in widths[:-1]), Dense(widths[-1])])
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(batch, inputs)), rng.normal(size=(batch, widths[-1]))
    return mlp.backpropagate(mlp.initialize(2), x, y, "mse")


def pairs(gradients: Arrays, change: Callable[[str, Array], Array] = lambda _, a: a) -> list[tuple[Array, Array]]:
    arrays = [change(n, a) for n, a in gradients.items()]
    return list(zip(arrays[::2], arrays[1::2], strict=True))


def judged(given: object, reference: Evaluation) -> GradientDiff | str:
    """The diff, or why a list fits in no order."""
    try:
        return compare(given, reference)  # type: ignore[arg-type]  # whatever form it has
    except ValueError as error:
        return str(error)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("net", NETS)
def test_a_right_hand_in_a_layout_matches_and_it_is_told(net: str, layout: str) -> None:
    e = evaluated(net)
    diff = compare(LAYOUTS[layout](pairs(e.gradients)), e)  # type: ignore[arg-type]  # whatever form it has
    assert diff.verdict is Status.MATCH
    assert diff.remark.startswith("Layout of your arrays: ") is (layout != "ours")


@pytest.mark.matrix(most=47)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("net", TELLING)
def test_one_kernel_that_is_transposed_does_not_match(net: str, layout: str) -> None:
    e = evaluated(net)
    one = pairs(e.gradients, lambda n, a: a.T if n == "dense_2/kernel" else a)
    if not _is_possible(LAYOUTS[layout], one):
        return
    diff = judged(LAYOUTS[layout](one), e)
    assert isinstance(diff, str) or not diff.ok


@pytest.mark.parametrize("layout", ["ours", "bias (1, n)", "list", "W1 b1", "TensorFlow 1", "Θ, bias last"])
def test_one_square_kernel_that_is_transposed_keeps_its_name(layout: str) -> None:
    e = evaluated("square")
    diff = judged(LAYOUTS[layout](pairs(e.gradients, lambda n, a: a.T if n == "dense_2/kernel" else a)), e)
    assert isinstance(diff, GradientDiff)
    assert [(c.id, c.layer) for c in diff.causes] == [("transposed", "dense_2")]


@pytest.mark.matrix(most=24)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("net", ["plain", "square"])
def test_a_wrong_hand_in_a_layout_keeps_its_cause(net: str, layout: str) -> None:
    e = evaluated(net)
    batch = e.problem.batch
    diff = judged(LAYOUTS[layout](pairs(e.gradients, lambda _, a: batch * a)), e)
    assert isinstance(diff, GradientDiff)
    assert (diff.verdict, diff.causes[0].id) == (Status.MISMATCH, "missing_batch_mean")


@pytest.mark.parametrize("layout", [n for n in LAYOUTS if n not in ("ours", "list", "list of pairs")])
def test_as_given_nothing_is_undone(layout: str) -> None:
    e = evaluated("plain")
    given = LAYOUTS[layout](pairs(e.gradients))
    if not isinstance(given, dict):
        with pytest.raises(TypeError, match="expected an Evaluation or a dict"):
            compare(given, e, layout="as given")  # type: ignore[arg-type]  # that is the point
        return
    diff = compare(given, e, layout="as given")
    assert not diff.ok
    assert "Layout" not in diff.remark


def test_another_word_for_a_layout_is_refused() -> None:
    with pytest.raises(ValueError, match="layout='torch': expected None, which finds and undoes the layout, or 'as g"):
        compare({"w": np.ones(2)}, {"w": np.ones(2)}, layout="torch")


def test_a_single_square_kernel_names_both_readings() -> None:
    mlp = MLP(3, [Dense(3)])
    rng = np.random.default_rng(0)
    e = mlp.backpropagate(mlp.initialize(0), rng.normal(size=(4, 3)), rng.normal(size=(4, 3)), "mse")
    diff = compare({n: g.T for n, g in e.gradients.items()}, e)
    assert diff.verdict is Status.MISMATCH
    assert "transposed" in [cause.id for cause in diff.causes]
    assert "may also be kernels as (n_out, n_in); neither shapes nor values tell, so that was not undone" in diff.remark


def test_plain_dicts_are_told_and_never_undone() -> None:
    g = evaluated("plain").gradients
    turned = {n: a.T for n, a in g.items()}
    diff = compare(turned, g, rtol=1e-9)
    assert diff.verdict is Status.SHAPE
    assert "it looks like kernels as (n_out, n_in). Without a network or a model nothing is undone." in diff.remark
    np.testing.assert_array_equal(diff.hand["dense_1/kernel"], turned["dense_1/kernel"])


def test_plain_dicts_under_other_names_are_told_with_what_to_pass() -> None:
    g = evaluated("plain").gradients
    torch = LAYOUTS["PyTorch"](pairs(g))
    remark = compare(torch, g, rtol=1e-9).remark  # type: ignore[arg-type]  # a dict
    names = "names={'fc1.weight': 'dense_1/kernel', 'fc1.bias': 'dense_1/bias', 'fc2.weight': 'dense_2/kernel', "
    assert f"If so, pass {names}'fc2.bias': 'dense_2/bias'}}." in remark


def test_the_reference_of_an_evaluation_may_come_in_a_layout_too() -> None:
    e = evaluated("plain")
    diff = compare(e, LAYOUTS["PyTorch"](pairs(e.gradients)))  # type: ignore[arg-type]  # a dict
    assert (diff.verdict, diff.remark[:24]) == (Status.MATCH, "Layout of the reference:")


def test_a_function_may_return_any_layout_and_is_cut_down_in_it() -> None:
    e = evaluated("plain")

    def wrong(parameters: Mapping[str, Array], x: Array, y: Array) -> list[Array]:
        right = e.problem.mlp.backpropagate(dict(parameters), x, y, "mse").gradients
        arrays = [a.T + 0.1 * np.sin(np.arange(a.size)).reshape(a.T.shape) for a in right.values()]
        return [*arrays[::2], *(a[:, None] for a in arrays[1::2])]

    diff = compare(wrong, e)  # type: ignore[arg-type]  # it returns a list
    assert diff.verdict is Status.MISMATCH
    assert diff.smallest is not None
    assert diff.smallest.problem.batch == 1
    assert "a list in the order W1 W2 b1 b2; kernels as (n_out, n_in); biases as columns (n, 1)" in diff.remark


def test_e_beside_a_list_is_read() -> None:
    e = evaluated("plain")
    assert compare((e.loss, list(e.gradients.values())), e).verdict is Status.MATCH  # type: ignore[arg-type]  # a pair


def test_samples_in_columns_are_turned_where_all_are() -> None:
    e = evaluated("plain")
    nodes = {n: a.T for n, a in e.nodes.items() if n in ("dense_1/z", "dense_2/z", "dense_1/dE_du")}
    diff = compare({**nodes, **e.gradients}, e)
    assert diff.verdict is Status.MATCH
    assert "samples in columns" in diff.remark
    one = {**nodes, **e.gradients, "dense_2/z": e.nodes["dense_2/z"]}
    assert compare(one, e).verdict is Status.SHAPE


def test_kernels_alone_are_paired_and_the_biases_stay_missing() -> None:
    e = evaluated("plain")
    diff = compare([w for w, _ in pairs(e.gradients)], e)  # type: ignore[arg-type]  # a list
    assert diff.verdict is Status.MISSING
    assert [row.name for row in diff.rows if row.status is Status.MATCH] == ["dense_2/dE_dkernel", "dense_1/dE_dkernel"]


def test_a_list_that_fits_in_no_order_says_so() -> None:
    e = evaluated("plain")
    with pytest.raises(ValueError, match=r"hand is a list of \(2, 2\), \(3,\), of which no order fits dense_1/kernel"):
        compare([np.ones((2, 2)), np.ones(3)], e)  # type: ignore[arg-type]  # a list


def test_numbers_in_names_are_a_statement() -> None:
    """W1 is the first layer's, even if W2 would fit there."""
    e = evaluated("square")
    first, second = pairs(e.gradients)
    swapped = {"W1": second[0], "b1": second[1], "W2": first[0], "b2": first[1]}
    assert not compare(swapped, e).ok


def test_no_wrong_reading_of_right_pairs_and_of_one_transposed() -> None:
    assert misread(range(40)) == []


@pytest.mark.slow  # 250 nets in 35 layouts: 8,750 right pairs; with range(2000) they are 2,000 in every layout
def test_no_wrong_reading_of_thousands_of_right_pairs_and_of_those_with_one_array_transposed() -> None:
    assert misread(range(250)) == []


def misread(seeds: range) -> list[str]:
    """Random nets in every layout: right pairs that are not undone and not said to be open; wrong ones that pass."""
    wrong = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        e = drawn(rng)
        noisy = {n: a * (1 + 6e-8 * rng.normal(size=a.shape)) for n, a in e.gradients.items()}
        telling = [n for n, a in e.gradients.items() if a.ndim == 2 and min(a.shape) > 1]
        speaking = [n for n in telling if not _is_mute(noisy[n])]  # of one alone it is the layout, of all that is known
        turned = str(rng.choice(speaking)) if len(speaking) > 1 else ""
        for name, layout in LAYOUTS.items():
            if not _is_right(layout(pairs(noisy)), e, open_is_right=len(speaking) <= 1):
                wrong.append(f"{name}, net {seed}: not undone")
            one = pairs(noisy, lambda n, a, turned=turned: a.T if n == turned else a)  # type: ignore[misc]
            wrongly = turned and _is_possible(layout, one)
            if wrongly and _is_right(layout(one), e):
                wrong.append(f"{name}, net {seed}: {turned} is transposed, and passes")
    return wrong


def drawn(rng: np.random.Generator) -> Evaluation:
    """1 to 4 layers, often as wide as each other or as the batch, and with units that are dead."""
    depth, top = int(rng.integers(1, 5)), int(rng.integers(1, 6))
    widths = [int(w) for w in (rng.integers(1, top + 1, depth + 1) if rng.random() < 0.7 else [top] * (depth + 1))]
    batch = int(rng.choice([1, 2, 3, 5, *widths]))
    hidden = [Dense(w, str(rng.choice(["tanh", "relu", "sigmoid"]))) for w in widths[1:-1]]
    mlp = MLP(widths[0], [*hidden, Dense(widths[-1])])
    x, y = rng.normal(size=(batch, widths[0])), rng.normal(size=(batch, widths[-1]))
    return mlp.backpropagate(mlp.initialize(rng), x, y, "mse")


def _is_right(given: object, e: Evaluation, open_is_right: bool = False) -> bool:
    try:
        read = read_sides(given, e)
    except ValueError as error:
        return open_is_right and "may also be" in str(error)
    if open_is_right and any("may also be" in note for note in read.notes):
        return True
    mine = read.hand.arrays
    return all(
        n in mine and mine[n].shape == r.shape and np.allclose(mine[n], r, 1e-5, 0) for n, r in e.gradients.items()
    )


def _is_mute(a: Array) -> bool:
    """Zeros, a symmetric matrix, or one entry: row by row and column by column are the same."""
    return np.allclose(a.ravel(), a.T.ravel(), 1e-4, 1e-4 * np.abs(a).max())


def _is_possible(layout: Callable[[list[tuple[Array, Array]]], object], one: list[tuple[Array, Array]]) -> bool:
    try:
        layout(one)
    except ValueError:  # a Θ of parts that do not meet
        return False
    return True
