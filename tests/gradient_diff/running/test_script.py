"""A script without functions: its inputs and gradients are found, and it is traced as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import indent

import numpy as np
import pytest

from gradient_diff import Status, compare
from gradient_diff.running.loading import Place, Unloadable, load_derivation
from gradient_diff.running.script import Script
from manual_mlp import MLP, Dense, Evaluation, ShapeError, evaluation_of

MLP_SMALL = MLP(4, [Dense(5, "tanh"), Dense(3)])
HEAD = """
import numpy as np
rng = np.random.default_rng(1)
"""
DRAWN = """
X, Y = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
W1, b1 = rng.normal(size=(4, 5)), np.zeros(5)
W2, b2 = rng.normal(size=(5, 3)), np.zeros(3)
"""
BODY = """
z = np.tanh(X @ W1 + b1)
e = z @ W2 + b2 - Y
print("E =", (e ** 2).mean())
du2 = 2 * e / e.size
dW2 = z.T @ du2
db2 = du2.sum(axis=0)
du1 = du2 @ W2.T * (1 - z ** 2)
dW1 = X.T @ du1
db1 = du1.sum(axis=0)
W1 -= 0.1 * dW1  # a step, at the end
W2 = W2 - 0.1 * dW2
"""
IN_DICTS = """
params = {"W1": rng.normal(size=(5, 4)), "b1": np.zeros((5, 1)), "W2": rng.normal(size=(3, 5)), "b2": np.zeros((3, 1))}
X, Y = rng.normal(size=(4, 7)), rng.normal(size=(3, 7))
z = np.tanh(params["W1"] @ X + params["b1"])
e = params["W2"] @ z + params["b2"] - Y
d2 = 2 * e / e.size
d1 = params["W2"].T @ d2 * (1 - z ** 2)
grads = {"W2": d2 @ z.T, "b2": d2.sum(1, keepdims=True), "W1": d1 @ X.T, "b1": d1.sum(1, keepdims=True)}
"""
IN_LISTS = """
X, Y = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
weights = [rng.normal(size=(4, 5)), rng.normal(size=(5, 3))]
biases = [np.zeros(5), np.zeros(3)]
z = np.tanh(X @ weights[0] + biases[0])
d2 = 2 * (z @ weights[1] + biases[1] - Y) / Y.size
d1 = d2 @ weights[1].T * (1 - z ** 2)
grad_weights = [X.T @ d1, z.T @ d2]
grad_biases = [d1.sum(0), d2.sum(0)]
"""
Made = Callable[[str], Script]


@pytest.fixture
def evaluation() -> Evaluation:
    rng = np.random.default_rng(5)
    x, y = rng.normal(size=(7, 4)), rng.normal(size=(7, 3))
    return MLP_SMALL.backpropagate(MLP_SMALL.initialize(rng, "glorot_normal", "normal(0.3)"), x, y, "mse")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    def make(text: str) -> Script:
        path = tmp_path / "script.py"
        path.write_text(text, "utf-8")
        return Script.of(path, text)

    return make


@pytest.mark.parametrize("text", [HEAD + DRAWN + BODY, HEAD + IN_DICTS, HEAD + IN_LISTS], ids=["names", "dict", "list"])
def test_what_it_draws_is_exchanged(text: str, made: Made, evaluation: Evaluation) -> None:
    diff = compare(made(text), evaluation)
    assert diff.ok, str(diff)


def test_what_is_filled_for_later_is_no_input(made: Made, evaluation: Evaluation) -> None:
    text = HEAD + "shown, total = np.zeros((7, 4)), np.ones((4, 5))\n" + DRAWN + BODY
    diff = compare(made(text), evaluation)
    assert diff.ok, str(diff)


@pytest.mark.parametrize(
    "again",
    [
        "X = (X - X.mean(0)) / X.std(0)",
        "W1 = W1 * 0.1",
        "X_test = rng.normal(size=(7, 4))",
        "seen = X",
        "velocity = np.zeros((4, 5)); vb1 = np.zeros(5); vb2 = np.zeros(3)",
        "np.random.seed(3); X = np.random.normal(size=(7, 4))",
        "W1 = W1 * 0.1; W1 = W1 - W1.mean(); W1 = W1 / W1.std()",
        "W1 = W1 * X.std()",
        "raw = X; X = raw[rng.permutation(7)]",
        "Y = np.sin(X[:, :3])",
    ],
)
def test_of_several_arrays_of_a_shape_it_is_what_the_network_sees(
    again: str, made: Made, evaluation: Evaluation
) -> None:
    diff = compare(made(HEAD + DRAWN + again + BODY), evaluation)
    assert diff.ok, str(diff)


IN_A_LOOP = {
    "for": "for epoch in range(3):",
    "while": "epoch = 0\nwhile epoch < 3:\n    epoch += 1",
}


@pytest.mark.matrix(most=3)
@pytest.mark.parametrize("loop", list(IN_A_LOOP))
@pytest.mark.parametrize("own_weights", [True, False], ids=["drawn", "by value"])
@pytest.mark.parametrize("shuffled", [True, False], ids=["shuffled", "in order"])
def test_of_a_training_its_first_round_counts(
    loop: str, own_weights: bool, shuffled: bool, made: Made, evaluation: Evaluation, tmp_path: Path
) -> None:
    body = BODY + "history = [] if epoch < 2 else history\nb1 -= 0.1 * db1\nb2 -= 0.1 * db2\n"
    if shuffled:
        body = "order = rng.permutation(7)\nX, Y = X[order], Y[order]\n" + body
    head = HEAD + DRAWN if own_weights else _read(evaluation, tmp_path)
    text = head + IN_A_LOOP[loop] + "\n" + indent(body, "    ")
    right, wrong = (compare(made(t), evaluation) for t in (text, text.replace("(1 - z ** 2)", "(1 - z)")))
    assert right.ok, str(right)
    assert wrong.verdict is Status.MISMATCH


ROWS = {
    "in order": "for k in range(0, len(X), 3):\n    rows = slice(k, k + 3)",
    "shuffled": "order = rng.permutation(len(X))\nfor k in range(0, len(X), 3):\n    rows = order[k:k + 3]",
    "one by one": "for k in range(len(X)):\n    rows = [k]",
    "a part for training": "half = X[:5]\nfor rows in [slice(0, 5)]:\n    pass",
}


def _read(evaluation: Evaluation, folder: Path) -> str:
    """The lines that read x, y and the weights, which have their values."""
    problem, names = evaluation.problem, ("X", "Y", "W1", "b1", "W2", "b2")
    arrays = (problem.x, problem.y, *problem.parameters.values())
    np.savez(folder / "d.npz", **dict(zip(names, arrays, strict=True)))
    read = ", ".join(f"d[{n!r}].copy()" for n in names)
    return HEAD + f"d = np.load({str(folder / 'd.npz')!r})\n{', '.join(names)} = {read}\n"


def _of_a_part(x: str, y: str) -> str:
    return BODY.replace("X @", f"{x} @").replace("X.T", f"{x}.T").replace("- Y", f"- {y}")


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("rows", ROWS)
def test_a_training_in_parts_is_held_on_the_samples_of_its_first_step(
    rows: str, made: Made, evaluation: Evaluation, tmp_path: Path
) -> None:
    step = _of_a_part("Xb", "Yb") + "b1 = b1 - 0.1 * db1\nb2 = b2 - 0.1 * db2\n"
    text = _read(evaluation, tmp_path) + ROWS[rows] + "\n" + indent("Xb, Yb = X[rows], Y[rows]\n" + step, "    ")
    count = {"one by one": 1, "a part for training": 5}.get(rows, 3)
    right, wrong = made(text), made(text.replace("(1 - z ** 2)", "(1 - z)"))
    for script in (right, wrong):
        assert compare(script, evaluation).verdict is Status.MISMATCH  # on all samples it is something else
        assert len(script.samples or ()) == count
        assert "Its first step is made of sample" in script.told
    diffs = [compare(s, evaluation_of(evaluation.problem.of_samples(s.samples or []))) for s in (right, wrong)]
    assert diffs[0].ok, str(diffs[0])
    assert diffs[1].verdict is Status.MISMATCH
    assert diffs[1].causes[0].id == "derivative_wrong"


@pytest.mark.matrix(most=1)
@pytest.mark.parametrize("sign", ["=", "+="])
def test_a_loop_that_adds_samples_up_is_no_training_in_parts(
    sign: str, made: Made, evaluation: Evaluation, tmp_path: Path
) -> None:
    body = _of_a_part("Xi", "Yi")
    of_a_sample = body[: body.index("W1 -=")].replace("e.size", "Y.size" if sign == "+=" else "e.size")
    for name in ("dW1", "db1", "dW2", "db2"):
        of_a_sample = of_a_sample.replace(f"{name} =", f"{name} {sign}")
    start = "dW1, db1, dW2, db2 = 0 * W1, 0 * b1, 0 * W2, 0 * b2\nfor i in range(len(X)):\n"
    step = "W1 = W1 - 0.1 * dW1\nb1 = b1 - 0.1 * db1\nW2 = W2 - 0.1 * dW2\nb2 = b2 - 0.1 * db2\n"
    loop = start + indent("Xi, Yi = X[i:i + 1], Y[i:i + 1]\n" + of_a_sample, "    ") + step
    script = made(_read(evaluation, tmp_path) + loop)
    diff = compare(script, evaluation)
    assert script.samples is None
    assert diff.ok is (sign == "+="), str(diff)
    assert sign == "+=" or diff.causes[0].id == "only_last_sample"


def test_weights_in_a_dict_train_too(made: Made, evaluation: Evaluation) -> None:
    head, forward = IN_DICTS.split("z = np.tanh", 1)
    step = "\nfor name in params:\n    params[name] -= 0.1 * grads[name]\n"
    text = HEAD + head + "for epoch in range(3):\n" + indent("z = np.tanh" + forward + step, "    ")
    assert compare(made(text), evaluation).ok
    assert compare(made(text.replace("(1 - z ** 2)", "(1 - z)")), evaluation).verdict is Status.MISMATCH


def test_layers_that_step_one_after_the_other(made: Made, evaluation: Evaluation) -> None:
    """In their order that is right where the layer below reads what the weights were."""
    text = HEAD + DRAWN + "kept = None\nfor epoch in range(3):" + indent(BODY, "    ")
    text = text.replace("dW2 = z.T @ du2", "dW2 = z.T @ du2; kept = W2; W2 = W2 - 0.1 * dW2").replace(
        "@ W2.T", "@ kept.T"
    )
    diff = compare(made(text.replace("    W2 = W2 - 0.1 * dW2\n", "")), evaluation)
    assert diff.ok, str(diff)


@pytest.mark.parametrize("more", ["dW1_check = X.T @ du1", "dW1_avg = dW1 / 7", "dW1_before = np.zeros_like(W1)"])
def test_what_is_named_like_a_gradient_and_more_is_none(more: str, made: Made, evaluation: Evaluation) -> None:
    text = HEAD + DRAWN + BODY + more
    assert compare(made(text), evaluation).ok
    assert compare(made(text.replace("dW1 = X.T @ du1", "dW1 = X.T @ du1 / 7")), evaluation).verdict is Status.MISMATCH
    with pytest.raises(ShapeError, match=r"Which is the gradient of `W1`.*: `dW1` or `gW1`"):
        compare(made(HEAD + DRAWN + BODY + "gW1 = dW1"), evaluation)


def test_data_that_are_changed_after_they_were_read_are_asked_for(made: Made, evaluation: Evaluation) -> None:
    problem = evaluation.problem
    data = f"X = np.array({problem.x.tolist()})\nX = (X - X.mean(0)) / X.std(0)\n"
    with pytest.raises(ShapeError, match="`X` is x by value, and the script changes it"):
        compare(made(HEAD + DRAWN + data + BODY), evaluation)


def test_biases_of_zeros_are_not_mistaken_for_what_is_carried_along(made: Made) -> None:
    """By value they are the same."""
    square = MLP(4, [Dense(4, "tanh"), Dense(4)])
    rng = np.random.default_rng(5)
    weights, x, y = square.initialize(rng), rng.normal(size=(7, 4)), rng.normal(size=(7, 4))
    names = {"X": x, "Y": y, "W1": weights["dense_1/kernel"], "W2": weights["dense_2/kernel"]}
    data = "\n".join(f"{n} = np.array({a.tolist()})" for n, a in names.items())
    text = f"{HEAD}{data}\nvb1, vb2, b2, b1 = (np.zeros(4) for _ in range(4))\n{BODY}"
    script = made(text)
    assert compare(script, square.backpropagate(weights, x, y, "mse")).ok
    assert "`b1` is dense_1/bias, `W2` is dense_2/kernel, `b2` is dense_2/bias" in script.told


def test_of_a_script_that_fails_on_other_data_nothing_is_guessed(made: Made, evaluation: Evaluation) -> None:
    rng = np.random.default_rng(1)
    x, *_, other = [rng.normal(size=s) for s in ((7, 4), (7, 3), (4, 5), (5, 3), (7, 4))]
    again = f"Q = rng.normal(size=(7, 4))\nassert np.isclose((X + Q).sum(), {(x + other).sum()!r})\n".replace(
        "np.float64", ""
    )
    with pytest.raises(ShapeError, match=r"it may be: `X`, `Q`"):
        compare(made(HEAD + DRAWN + again + BODY), evaluation)


@pytest.mark.parametrize("again", ["Z = X ** 2", "Z = X - X.mean(0)"])
def test_which_of_several_it_is_is_not_guessed(again: str, made: Made, evaluation: Evaluation) -> None:
    text = (HEAD + DRAWN + again + BODY).replace("z = np.tanh(X", "z = np.tanh(Z")
    with pytest.raises(ShapeError, match=r"Which array of the script is x \(7, 4\) .* it may be: `X`, `Z`"):
        compare(made(text), evaluation)


@pytest.mark.parametrize(
    ("right", "wrong"), [("(1 - z ** 2)", "(1 - z)"), ("2 * e / e.size", "e / e.size"), ("X.T @ du1", "X.T @ du1 / 7")]
)
def test_its_line_is_named_and_mended(right: str, wrong: str, made: Made, evaluation: Evaluation) -> None:
    text = (HEAD + DRAWN + BODY).replace(right, wrong)
    diff = compare(made(text), evaluation)
    assert diff.verdict is Status.MISMATCH
    assert diff.code is not None
    line = next(i for i, line in enumerate(text.splitlines(), 1) if wrong in line)
    assert [f.line for f in diff.code.findings] == [line]
    assert diff.code.findings[0].fix


def test_what_stands_in_it_by_value_is_found_by_value(made: Made, evaluation: Evaluation) -> None:
    problem = evaluation.problem
    square = MLP(3, [Dense(3, "tanh"), Dense(3)])
    rng = np.random.default_rng(0)
    x, y, w = rng.normal(size=(3, 3)), rng.normal(size=(3, 3)), square.initialize(1, "normal(1)", "normal(1)")
    names = {"X": x, "Y": y, "W2": w["dense_2/kernel"], "b2": w["dense_2/bias"]}
    names |= {"W1": w["dense_1/kernel"], "b1": w["dense_1/bias"]}
    text = HEAD + "\n".join(f"{n} = np.array({a.tolist()})" for n, a in names.items()) + BODY
    script = made(text)
    assert compare(script, square.backpropagate(w, x, y, "mse")).ok
    assert "`W2` is dense_2/kernel" in script.told
    with pytest.raises(ShapeError, match=r"holds no array that is x \(7, 4\)"):
        compare(made(text), MLP_SMALL.backpropagate(dict(problem.parameters), problem.x, problem.y, "mse"))


def test_inputs_of_one_shape_that_are_not_there_by_value_are_not_guessed(made: Made) -> None:
    square = MLP(4, [Dense(4, "tanh"), Dense(4)])
    right = square.backpropagate(square.initialize(0), np.ones((7, 4)), np.ones((7, 4)), "mse")
    with pytest.raises(ShapeError, match="none by value, nor as the only input of its shape"):
        compare(made((HEAD + DRAWN + BODY).replace("5", "4").replace("3)", "4)")), right)


def test_a_gradient_that_has_no_name_is_asked_for(made: Made, evaluation: Evaluation) -> None:
    text = (HEAD + DRAWN + BODY).replace("dW2", "second")
    with pytest.raises(ShapeError, match=r"named as the gradient of `W2`, which is dense_2/kernel .* such as dW2"):
        compare(made(text), evaluation)


def test_tracing_changes_no_bit_of_it(made: Made, evaluation: Evaluation) -> None:
    problem = evaluation.problem
    given = dict(problem.parameters), problem.x, problem.y
    alone = made(HEAD + DRAWN + BODY)(*given)
    traced = compare(made(HEAD + DRAWN + BODY), evaluation, trace=True)
    found = {row.name: traced.hand[row.name] for row in traced.rows}
    assert sorted(a.tobytes() for a in alone.values()) == sorted(a.tobytes() for a in found.values())
    assert traced.code is not None
    assert any("δ of dense_1" in words for words in traced.code.listing.values())


def test_a_file_without_functions_is_a_script(tmp_path: Path, evaluation: Evaluation) -> None:
    path = tmp_path / "mine.py"
    path.write_text(HEAD + DRAWN + BODY, "utf-8")
    assert compare(load_derivation(Place(path)), evaluation).ok
    with pytest.raises(Unloadable, match="has no step"):
        load_derivation(Place(path, step=True))
    path.write_text(HEAD + "def backward(p, x, y):\n    return {}\n", "utf-8")
    with pytest.raises(Unloadable, match=r"It has backward\(p, x, y\)"):
        load_derivation(Place(path))
    path.write_text(HEAD + "a = np.ones(3)\ndef backward(p, x, y):\n    return {}\n", "utf-8")
    with pytest.raises(ShapeError, match=r"holds no array that is x .* It has backward\(p, x, y\)\. Name another by"):
        compare(load_derivation(Place(path)), evaluation)
    path.write_text("print(1)", "utf-8")
    with pytest.raises(Unloadable, match="has no gradients"):
        load_derivation(Place(path))
