import dataclasses
import math
import pickle
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from manual_mlp import (
    ACTIVATIONS,
    LOSSES,
    MLP,
    Activation,
    Array,
    Dense,
    Dropout,
    Evaluation,
    Loss,
    Problem,
    evaluation_of,
)

Problems = Callable[..., st.SearchStrategy[Problem]]
Relative = Callable[[Array, Array], float]
Hold = Callable[..., None]

EXAMPLES = settings(deadline=None, max_examples=60, derandomize=True)
TOLERANCE = 1e7 * float(np.finfo(np.longdouble).eps)  # in extended precision; derived in conftest.py


def textbook(problem: Problem) -> list[list[float]]:
    """The output, one sample, one unit and one weight at a time; sigmoid hidden layers below an identity."""
    rows = []
    for sample in problem.x.tolist():
        z = sample
        for layer in problem.mlp.layers:
            w, b = problem.parameters[f"{layer.name}/kernel"], problem.parameters[f"{layer.name}/bias"]
            u = [sum(z[i] * w[i, j] for i in range(len(z))) + b[j] for j in range(layer.units)]
            z = [1 / (1 + math.exp(-v)) if layer.activation == "sigmoid" else v for v in u]
        rows.append(z)
    return rows


def test_the_forward_pass_is_the_loop_of_a_textbook() -> None:
    mlp = MLP(3, [Dense(4, "sigmoid"), Dense(2, "sigmoid"), Dense(3)])
    rng = np.random.default_rng(3)
    parameters = mlp.initialize(rng, "normal(1.0)", "normal(1.0)")
    x = rng.normal(size=(5, 3))
    problem = mlp.problem(parameters, x, np.zeros((5, 3)), "mse")
    # Sums of at most 5 terms, each factor below 3: 3 layers of 20 roundings of numbers below 10.
    np.testing.assert_allclose(mlp.predict(parameters, x), textbook(problem), rtol=0, atol=600 * 2.0**-53)


def test_the_order_of_the_nodes() -> None:
    mlp = MLP(2, [Dense(3, "tanh"), Dense(2, "softmax")])
    x, y = np.ones((4, 2)), np.array([0, 1, 1, 0])
    nodes = list(mlp.backpropagate(mlp.initialize(0), x, y, "sparse_categorical_crossentropy").nodes)
    assert nodes == [
        "dense_1/u",
        "dense_1/z",
        "dense_2/u",
        "dense_2/z",
        "loss",
        "dense_2/dE_du",
        "dense_2/dE_dkernel",
        "dense_2/dE_dbias",
        "dense_1/dE_dz",
        "dense_1/dE_du",
        "dense_1/dE_dkernel",
        "dense_1/dE_dbias",
        "inputs/dE_dx",
    ]


# against the complex step


@given(data=st.data())
@settings(EXAMPLES, max_examples=150)
def test_gradients_are_the_complex_step(problems: Problems, gradients_hold: Hold, data: st.DataObject) -> None:
    gradients_hold(evaluation_of(data.draw(problems(weighted=True))))


ENDINGS = [
    *((Loss(name), z) for name in LOSSES if "error" in name or "cost" in name for z in ACTIVATIONS if z != "step"),
    *((Loss(name), z) for name in LOSSES if "entropy" in name for z in ("sigmoid", "softmax")),
    *((Loss(name, from_logits=True), z) for name in LOSSES if "entropy" in name for z in ("linear", "tanh", "relu")),
]
IDS = [f"{loss.name}{'_from_logits' * loss.from_logits}-{z}" for loss, z in ENDINGS]


def example(loss: Loss, output: str, dtype: str = "float64") -> Problem:
    mlp = MLP(3, [Dense(4, "tanh"), Dense(5, "relu"), Dense(3, output)])
    rng = np.random.default_rng(11)
    parameters = mlp.initialize(rng, "normal(0.5)", "normal(0.5)", dtype)
    x, y, labels = rng.normal(size=(6, 3)), rng.random((6, 3)), rng.integers(0, 3, 6)
    return mlp.problem(parameters, x, labels if loss.function.class_indices else y, loss)


@pytest.mark.parametrize(("loss", "output"), ENDINGS, ids=IDS)
def test_every_loss_with_every_output_in_float64(loss: Loss, output: str, gradients_hold: Hold) -> None:
    # Both sides round by u = 1.1e-16, fewer than 130 times on any path (see conftest.py): 1.4e-14 each. The data are
    # fixed, and their sums cancel by less than the 35 that are left up to 1e-12.
    gradients_hold(evaluation_of(example(loss, output)), tolerance=1e-12)


@pytest.mark.parametrize("node", ["dense_1/dE_dkernel", "dense_2/dE_dbias", "dense_3/dE_dkernel", "inputs/dE_dx"])
def test_a_node_off_by_a_thousandth_is_seen(node: str, gradients_hold: Hold) -> None:
    right = evaluation_of(example(Loss("mse"), "tanh"))
    wrong = dataclasses.replace(right, nodes=right.nodes | {node: 1.001 * right.nodes[node]})
    with pytest.raises(AssertionError, match=f"^{node}: "):
        gradients_hold(wrong, tolerance=1e-12)


@pytest.mark.parametrize("name", ["tanh", "relu", "softmax"])
def test_a_derivative_off_by_a_thousandth_is_seen(
    name: str, gradients_hold: Hold, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = ACTIVATIONS[name]
    assert record.backward is not None
    right = record.backward
    wrong = dataclasses.replace(record, backward=lambda g, read, out=None: 1.001 * right(g, read))
    monkeypatch.setitem(ACTIVATIONS, name, wrong)
    with pytest.raises(AssertionError, match=r"^inputs/dE_dx: "):
        gradients_hold(evaluation_of(example(Loss("mse"), "softmax")), tolerance=1e-12)


# equivalent configurations agree


def mean_over_samples(loss: Loss) -> bool:
    return "sum" not in loss.name


@given(data=st.data())
@EXAMPLES
def test_a_batch_split_and_joined(problems: Problems, data: st.DataObject) -> None:
    problem = data.draw(problems().filter(lambda p: p.batch > 1))
    cut = data.draw(st.integers(1, problem.batch - 1))
    parts = [dataclasses.replace(problem, x=problem.x[s], y=problem.y[s]) for s in (slice(cut), slice(cut, None))]
    shares = [p.batch / np.longdouble(problem.batch) if mean_over_samples(problem.loss) else 1 for p in parts]
    whole, pieces = evaluation_of(problem), [evaluation_of(p) for p in parts]
    # c = 1/N or 1/(N·K) is a float64 number in every dtype: so means agree to its rounding, on both sides.
    tolerance = TOLERANCE + (4 * 2.0**-53 if mean_over_samples(problem.loss) else 0)
    for node in ("loss", *(n for n in whole.nodes if n.endswith(("dE_dkernel", "dE_dbias")))):
        terms = np.array([share * piece.nodes[node] for share, piece in zip(shares, pieces, strict=True)])
        difference = (terms.sum(axis=0) - whole.nodes[node]).astype(float)
        assert np.linalg.norm(difference) <= tolerance * np.linalg.norm(abs(terms).astype(float)), node


@given(data=st.data())
@EXAMPLES
def test_hidden_units_permuted(problems: Problems, relative: Relative, data: st.DataObject) -> None:
    problem = data.draw(problems(biases=True).filter(lambda p: len(p.mlp.layers) > 1))
    layer = data.draw(st.sampled_from(range(len(problem.mlp.layers) - 1)))
    order = data.draw(st.permutations(range(problem.mlp.units[layer])))
    below, above = problem.mlp.layers[layer].name, problem.mlp.layers[layer + 1].name

    def permuted(arrays: dict[str, Array], prefix: str) -> dict[str, Array]:
        return arrays | {
            f"{below}/{prefix}kernel": arrays[f"{below}/{prefix}kernel"][:, order],
            f"{below}/{prefix}bias": arrays[f"{below}/{prefix}bias"][order],
            f"{above}/{prefix}kernel": arrays[f"{above}/{prefix}kernel"][order, :],
        }

    moved = dataclasses.replace(problem, parameters=permuted(dict(problem.parameters), ""))
    expected = permuted(evaluation_of(problem).nodes, "dE_d")
    found = evaluation_of(moved).nodes
    for node in expected:
        if not node.startswith(f"{below}/") or node.endswith(("kernel", "bias")):
            assert relative(found[node], expected[node]) <= TOLERANCE, node


@given(data=st.data())
@EXAMPLES
def test_samples_permuted(problems: Problems, relative: Relative, data: st.DataObject) -> None:
    problem = data.draw(problems(weighted=True))
    order = data.draw(st.permutations(range(problem.batch)))
    weights = None if problem.sample_weight is None else problem.sample_weight[order]
    moved = evaluation_of(dataclasses.replace(problem, x=problem.x[order], y=problem.y[order], sample_weight=weights))
    still = evaluation_of(problem)
    assert relative(moved.nodes["inputs/dE_dx"], still.nodes["inputs/dE_dx"][order]) <= TOLERANCE
    for name, gradient in still.gradients.items():
        assert relative(moved.gradients[name], gradient) <= TOLERANCE, name


@given(data=st.data())
@EXAMPLES
def test_fused_and_unfused_are_one_derivation(problems: Problems, relative: Relative, data: st.DataObject) -> None:
    problem = data.draw(problems().filter(lambda p: p.fused and p.mlp.units[-1] > 1))
    apart = dataclasses.replace(problem, fused=False)
    fused, unfused = evaluation_of(problem), evaluation_of(apart)
    for name, gradient in fused.gradients.items():
        assert relative(unfused.gradients[name], gradient) <= TOLERANCE, name


@pytest.mark.parametrize(
    ("loss", "output"), [("binary_crossentropy", "sigmoid"), ("categorical_crossentropy", "softmax")]
)
def test_logits_of_a_linear_output_are_the_fused_activation(loss: str, output: str) -> None:
    fused = example(Loss(loss), output)
    mlp = MLP(3, [*fused.mlp.layers[:-1], Dense(3)])
    e = mlp.backpropagate(fused.parameters, fused.x, fused.y, Loss(loss, from_logits=True))
    assert e.loss == evaluation_of(fused).loss  # the same operations on the same u
    for name, gradient in evaluation_of(fused).gradients.items():
        np.testing.assert_array_equal(e.gradients[name], gradient)


def test_class_indices_are_one_hot_labels() -> None:
    sparse = example(Loss("sparse_categorical_crossentropy"), "softmax")
    hot = sparse.mlp.backpropagate(sparse.parameters, sparse.x, np.eye(3)[sparse.y], "categorical_crossentropy")
    for name, gradient in evaluation_of(sparse).gradients.items():
        # softmax · Σ_k y, − y and c: exact multiplication by 1 on one side only
        np.testing.assert_allclose(hot.gradients[name], gradient, rtol=0, atol=1e-15)


# float32


@given(
    widths=st.lists(st.integers(1, 8), min_size=2, max_size=5),
    batch=st.integers(1, 20),
    activation=st.sampled_from(["linear", "relu"]),
    seed=st.integers(0, 2**32 - 1),
)
@EXAMPLES
def test_float32_differs_from_float64_by_counted_roundings(
    widths: list[int], batch: int, activation: str, seed: int
) -> None:
    mlp = MLP(widths[0], [Dense(n, activation) for n in widths[1:]])
    rng = np.random.default_rng(seed)
    shapes = mlp.parameter_shapes.items()
    parameters = {name: rng.uniform(0.1, 1, shape).astype("float32") for name, shape in shapes}
    x, y = rng.uniform(0.1, 1, (batch, widths[0])), -rng.uniform(0.1, 1, (batch, widths[-1]))
    single = evaluation_of(mlp.problem(parameters, x, y, "sum_squared_error"))
    double = evaluation_of(single.problem.float64)
    # All numbers are positive and y is not, so nothing cancels, and each entry is off by at most its count of
    # roundings: n + 1 a layer forward, 2 at E's gradient, n a layer backward, N along the batch; E sums N·K squares.
    paths = sum(n + 1 for n in widths) + 2 + sum(widths) + batch
    k = {"loss": 2 * paths + 2 + batch * widths[-1]}
    for node, array in double.nodes.items():
        bound = (1 + 2.0**-24) ** k.get(node, paths) - 1
        assert (abs(single.nodes[node] - array) <= bound * abs(array)).all(), node


def test_a_float32_run_is_float32_throughout() -> None:
    problem = example(Loss("categorical_crossentropy", scale=0.1), "softmax", "float32")
    assert {a.dtype.name for a in evaluation_of(problem).nodes.values()} == {"float32"}
    assert problem.x.dtype == problem.y.dtype == "float32"


# forward, predict, problem


def test_predict_in_batches_gives_the_same_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    mlp = MLP(2, [Dense(3, "relu"), Dense(2)])
    rng = np.random.default_rng(5)
    whole = {name: rng.integers(-4, 5, shape).astype(float) for name, shape in mlp.parameter_shapes.items()}
    x = rng.integers(-9, 10, (7, 2)).astype(float)  # whole numbers: every sum is exact, in any order
    expected = mlp.forward(whole, x)["dense_2/z"]
    monkeypatch.setattr(np, "empty", lambda shape, dtype: np.full(shape, np.nan, dtype))  # no row by luck
    for size in (None, 1, 2, 3, 7, 100):
        np.testing.assert_array_equal(mlp.predict(whole, x, batch_size=size), expected)


def test_predict_wants_a_batch_of_at_least_one() -> None:
    mlp = MLP(1, [Dense(1)])
    with pytest.raises(ValueError, match="batch_size") as error:
        mlp.predict(mlp.initialize(0), np.ones((2, 1)), batch_size=0)
    assert str(error.value) == "batch_size=0: expected at least 1."


def test_argmax_needs_no_softmax() -> None:
    mlp = MLP(3, [Dense(4, "sigmoid"), Dense(5, "softmax")])
    parameters, x = mlp.initialize(0, "normal(1)"), np.random.default_rng(0).normal(size=(50, 3))
    trace = mlp.forward(parameters, x)
    np.testing.assert_array_equal(trace["dense_2/u"].argmax(1), trace["dense_2/z"].argmax(1))


def test_a_step_runs_forward() -> None:
    nand = {"dense_1/kernel": np.array([[-2.0], [-2.0]]), "dense_1/bias": np.array([3.0])}
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    assert MLP(2, [Dense(1, "step")]).predict(nand, x).tolist() == [[1], [1], [1], [0]]


def test_nothing_that_is_passed_in_is_changed_or_returned() -> None:
    mlp = MLP(2, [Dense(2), Dense(1)])
    parameters, x, y = mlp.initialize(0), np.ones((3, 2)), np.zeros((3, 1))
    given = [x, y, *parameters.values()]
    for array in given:
        array.flags.writeable = False
    e = mlp.backpropagate(parameters, x, y, "mse")
    assert not [name for name, node in e.nodes.items() if any(np.shares_memory(node, array) for array in given)]


def test_no_two_nodes_share_memory() -> None:
    nodes = list(evaluation_of(example(Loss("mse"), "linear")).nodes.values())
    assert not [i for i, a in enumerate(nodes) if any(np.shares_memory(a, b) for b in nodes[:i])]


def test_whole_numbers_become_the_dtype_of_the_parameters() -> None:
    mlp = MLP(1, [Dense(1)])
    e = mlp.backpropagate(mlp.initialize(0, dtype="float32"), np.array([[1], [2]]), np.array([[1], [0]]), "mse")
    assert (e.problem.x.dtype, e.problem.y.dtype) == ("float32", "float32")


def test_rerun_computes_the_same_values_in_float64() -> None:
    single = evaluation_of(example(Loss("mse"), "tanh", "float32"))
    assert single.rerun is not None
    again = single.rerun()
    assert again.problem.dtype == "float64"
    np.testing.assert_array_equal(again.problem.x, single.problem.x)


# how Keras computes it


def test_what_keras_fuses() -> None:
    fused = {(loss.name, z) for loss, z in ENDINGS if MLP(1, [Dense(2, z)]).fuses(loss) and not loss.from_logits}
    assert fused == {
        ("binary_crossentropy", "sigmoid"),
        ("categorical_crossentropy", "softmax"),
        ("sparse_categorical_crossentropy", "softmax"),
    }
    assert not MLP(1, [Dense(2, "softmax")]).fuses(Loss("categorical_crossentropy", from_logits=True))


def test_an_evaluation_is_of_this_package(evaluation: Evaluation) -> None:
    assert evaluation.origin == "manual_mlp"


# several kinds of layers

MIXED = MLP(3, [Dropout(0.5), Dense(4, kernel_l2=0.25), Activation("tanh"), Dropout(0.25), Dense(2)])


def test_without_draws_nothing_is_dropped() -> None:
    w, x = MIXED.initialize(0), np.random.default_rng(0).normal(size=(5, 3))
    u = x @ w["dense_1/kernel"] + w["dense_1/bias"]
    expected = np.tanh(u) @ w["dense_2/kernel"] + w["dense_2/bias"]
    np.testing.assert_allclose(MIXED.forward(w, x)["dense_2/z"], expected, rtol=1e-13)
    np.testing.assert_allclose(MIXED.predict(w, x, batch_size=2), expected, rtol=1e-13)


def test_with_draws_what_is_dropped_is_gone() -> None:
    w, x, masks = MIXED.initialize(0), np.ones((5, 3)), MIXED.draws(0, 5)
    trace = MIXED.forward(w, x, masks)
    assert np.array_equal(trace["dropout_1/z"], masks["dropout_1/mask"])
    assert np.array_equal(trace["dropout_2/z"], trace["activation_1/z"] * masks["dropout_2/mask"])


def test_the_gradient_of_a_decay_is_twice_its_kernel() -> None:
    plain = MLP(3, [Dropout(0.5), Dense(4), Activation("tanh"), Dropout(0.25), Dense(2)])
    w, masks = MIXED.initialize(0), MIXED.draws(0, 5)
    x, y = np.ones((5, 3)), np.zeros((5, 2))
    with_decay, without = (mlp.backpropagate(w, x, y, "mse", masks) for mlp in (MIXED, plain))
    more = with_decay.gradients["dense_1/kernel"] - without.gradients["dense_1/kernel"]
    np.testing.assert_allclose(more, 0.5 * w["dense_1/kernel"], rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(with_decay.loss - without.loss, 0.25 * (w["dense_1/kernel"] ** 2).sum(), rtol=1e-12)
    assert np.array_equal(with_decay.gradients["dense_2/kernel"], without.gradients["dense_2/kernel"])


def test_a_network_is_a_value() -> None:
    again = pickle.loads(pickle.dumps(MIXED))
    assert (again, hash(again), repr(again)) == (MIXED, hash(MIXED), repr(MIXED))
    assert dataclasses.replace(MIXED, inputs=3) == MIXED != dataclasses.replace(MIXED, inputs=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        again.other = 1  # type: ignore[attr-defined]


# weights


@given(data=st.data())
@EXAMPLES
def test_weights_of_one_are_no_weights_to_the_bit(problems: Problems, data: st.DataObject) -> None:
    problem = data.draw(problems(data.draw(st.sampled_from([np.float32, np.float64]))))
    ones = dataclasses.replace(problem, sample_weight=np.ones(problem.batch, problem.dtype))
    plain, found = evaluation_of(problem).nodes, evaluation_of(ones).nodes
    assert {n: a.tobytes() for n, a in found.items()} == {n: a.tobytes() for n, a in plain.items()}


@given(data=st.data())
@EXAMPLES
def test_a_sample_of_weight_two_counts_twice_and_one_of_zero_not_at_all(
    problems: Problems, relative: Relative, data: st.DataObject
) -> None:
    problem = data.draw(problems())
    weights = np.array(data.draw(st.lists(st.sampled_from([0, 1, 2]), min_size=problem.batch, max_size=problem.batch)))
    if not weights.any():
        return
    weighted = dataclasses.replace(problem, sample_weight=weights.astype(problem.dtype))
    rows = np.repeat(np.arange(problem.batch), weights)
    longer = dataclasses.replace(problem, x=problem.x[rows], y=problem.y[rows])
    share = len(rows) / np.longdouble(problem.batch) if mean_over_samples(problem.loss) else 1
    found, expected = evaluation_of(weighted), evaluation_of(longer)
    for name, gradient in found.gradients.items():
        sizes = relative(gradient, share * expected.gradients[name])
        assert sizes <= TOLERANCE + 8 * 2.0**-53, name  # c is a float64 number in every dtype
