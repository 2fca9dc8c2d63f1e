"""The masks that real Keras Dropout layers draw: read beforehand, shared, and proved to have been used."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from gradient_diff import Status, compare
from keras_mlp import backpropagate, to_keras
from keras_mlp.draws import kept_seeds, prove_draws, read_draws, replayed, seeds_of, set_seeds, swapped
from manual_mlp import MLP, Activation, Dense, Dropout, Evaluation, evaluation_of

MODES: Any = ["eager", "graph", "xla"]
NET = MLP(
    6,
    [
        Dropout(0.2),
        Dense(5, kernel_l2=0.01),
        Activation("relu"),
        Dropout(0.5),
        Dense(3, kernel_l2=0.1),
        Activation("softmax"),
    ],
)
LOSS = "categorical_crossentropy"


def data(dtype: str) -> tuple[Any, Any, Any]:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(11, 6)), np.eye(3)[rng.integers(0, 3, 11)]
    return NET.initialize(1, "normal(0.5)", "normal(0.5)", dtype), x.astype(dtype), y.astype(dtype)


def tape_and_hand(dtype: str, mode: Any) -> tuple[Evaluation, Evaluation]:
    w, x, y = data(dtype)
    tape = backpropagate(to_keras(NET, w, dtype), x, y, LOSS, mode)
    return tape, NET.backpropagate(w, x, y, LOSS, draws=tape.problem.draws)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", MODES)
def test_the_hand_meets_real_dropout_on_the_masks_that_it_drew(mode: Any, dtype: str) -> None:
    tape, hand = tape_and_hand(dtype, mode)
    diff = compare(hand, tape)
    assert diff.verdict is Status.MATCH, str(diff)
    assert [row.name for row in diff.rows] == list(hand.nodes)


@pytest.mark.parametrize("mode", MODES)
def test_another_mask_is_noticed(mode: Any) -> None:
    tape, hand = tape_and_hand("float32", mode)
    w, x, y = data("float32")
    other = NET.backpropagate(w, x, y, LOSS, draws=NET.draws(5, 11))
    with pytest.raises(ValueError, match="dropout_1/mask, dropout_2/mask differ"):
        compare(other, tape)
    assert compare(dict(other.gradients), tape).verdict is Status.MISMATCH
    assert compare(dict(hand.gradients), tape).verdict is Status.MATCH


def test_in_float64_the_tape_replays_the_same_masks() -> None:
    tape, _ = tape_and_hand("float32", "eager")
    assert tape.rerun is not None
    fine = tape.rerun()
    assert fine.nodes["dropout_2/z"].dtype == np.float64
    assert np.array_equal(fine.nodes["dropout_2/z"] == 0, tape.nodes["dropout_2/z"] == 0)
    assert compare(evaluation_of(tape.problem.float64), fine).verdict is Status.MATCH


def test_a_step_moves_the_seeds_on_by_one_pass_in_every_mode() -> None:
    w, x, y = data("float32")
    model = to_keras(NET, w, "float32")
    start = seeds_of(model)
    model(x, training=True)
    after = seeds_of(model)
    for mode in MODES:
        set_seeds(model, start)
        backpropagate(model, x, y, LOSS, mode)
        assert all(np.array_equal(a, b) for a, b in zip(seeds_of(model), after, strict=True))
    first, second = (backpropagate(model, x, y, LOSS).problem.draws["dropout_2/mask"] for _ in range(2))
    assert not np.array_equal(first, second)


def test_reading_leaves_the_seeds_alone_and_repeats() -> None:
    w, *_ = data("float32")
    model = to_keras(NET, w, "float32")
    before = seeds_of(model)
    one, other = read_draws(model, NET, 11), read_draws(model, NET, 11)
    assert all(np.array_equal(a, b) for a, b in zip(seeds_of(model), before, strict=True))
    assert all(np.array_equal(one[n], other[n]) for n in one)
    assert set(np.unique(one["dropout_1/mask"])) == {np.float32(0), np.float32(1.25)}


def test_eager_and_graph_draw_alike_and_xla_otherwise() -> None:
    w, *_ = data("float32")
    model = to_keras(NET, w, "float32")
    eager, graph, xla = (read_draws(model, NET, 200, mode)["dropout_2/mask"] for mode in MODES)
    assert np.array_equal(eager, graph)
    assert not np.array_equal(eager, xla)  # why the masks are read in the mode of the pass


def test_a_mask_that_was_not_used_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keras_mlp.tape.read_draws", lambda model, mlp, batch, *_: mlp.draws(0, batch, "float32"))
    w, x, y = data("float32")
    with pytest.raises(ValueError, match="Keras did not drop what its mask, read beforehand, says"):
        backpropagate(to_keras(NET, w, "float32"), x, y, LOSS)


def test_a_single_wrong_entry_is_noticed() -> None:
    tape, _ = tape_and_hand("float32", "eager")
    prove_draws(tape.problem, tape.nodes)
    off = {**tape.nodes, "dropout_2/z": tape.nodes["dropout_2/z"].copy()}
    off["dropout_2/z"][3, 1] += np.float32(1e-7)
    with pytest.raises(ValueError, match="dropout_2"):
        prove_draws(tape.problem, off)


def _drop_and_fail(model: Any, x: Any) -> None:
    with kept_seeds(model):
        model(x, training=True)
        with replayed(model, NET.draws(0, 11)):
            raise RuntimeError


def test_seeds_and_functions_are_put_back_in_any_case() -> None:
    w, x, _ = data("float32")
    model = to_keras(NET, w, "float32")
    before = seeds_of(model)
    with pytest.raises(RuntimeError):
        _drop_and_fail(model, x)
    assert all(np.array_equal(a, b) for a, b in zip(seeds_of(model), before, strict=True))
    assert "call" not in vars(model.layers[0])


def test_a_swap_within_a_swap() -> None:
    layer = keras.layers.ReLU()
    with swapped(layer, "call", lambda u: 2 * u):
        with swapped(layer, "call", lambda u: 3 * u):
            assert float(layer(tf.constant([1.0]))[0]) == 3
        assert float(layer(tf.constant([1.0]))[0]) == 2
    assert float(layer(tf.constant([1.0]))[0]) == 1


def test_without_dropout_nothing_is_drawn() -> None:
    mlp = MLP(2, [Dense(1)])
    assert read_draws(to_keras(mlp, mlp.initialize(0)), mlp, 3) == {}


# in inference


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("mode", MODES)
def test_in_inference_nothing_is_dropped_and_both_sides_have_masks_of_ones(mode: Any, dtype: str) -> None:
    w, x, y = data(dtype)
    model = to_keras(NET, w, dtype)
    before = seeds_of(model)
    tape = backpropagate(model, x, y, LOSS, mode, training=False)
    assert all(np.array_equal(a, b) for a, b in zip(seeds_of(model), before, strict=True))
    assert {n: np.unique(m).tolist() for n, m in tape.problem.draws.items()} == {n: [1.0] for n in NET.masks}
    assert np.array_equal(tape.nodes["activation_2/z"], model(x, training=False)) or mode != "eager"
    diff = compare(NET.backpropagate(w, x, y, LOSS, tape.problem.draws), tape)
    assert diff.verdict is Status.MATCH, str(diff)
    assert tape.rerun is not None
    fine = tape.rerun()
    assert "in inference" in tape.origin
    assert "in inference" in fine.origin
    assert compare(evaluation_of(tape.problem.float64), fine).verdict is Status.MATCH


def test_a_model_that_drops_though_it_is_in_inference_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    w, x, y = data("float32")
    model = to_keras(NET, w, "float32")
    original = keras.layers.Dropout.call
    monkeypatch.setattr(keras.layers.Dropout, "call", lambda self, inputs, training=False: original(self, inputs, True))
    with pytest.raises(ValueError, match="Keras did not drop what its mask, read beforehand, says"):
        backpropagate(model, x, y, LOSS, training=False)


def test_training_is_what_fit_does_unless_it_is_said() -> None:
    w, x, y = data("float32")
    model = to_keras(NET, w, "float32")
    start = seeds_of(model)
    plain = backpropagate(model, x, y, LOSS)
    set_seeds(model, start)
    said = backpropagate(model, x, y, LOSS, training=True)
    assert all(np.array_equal(said.problem.draws[n], m) for n, m in plain.problem.draws.items())
    assert {*np.unique(plain.problem.draws["dropout_2/mask"])} == {0, 2}
    assert plain.origin == said.origin


def test_an_evaluation_in_inference_is_saved_and_loaded(tmp_path: Path) -> None:
    w, x, y = data("float32")
    tape = backpropagate(to_keras(NET, w, "float32"), x, y, LOSS, training=False, sample_weight=np.arange(11.0))
    again = Evaluation.load(tape.save(tmp_path / "tape"))
    assert (again.origin, again.problem.fused) == (tape.origin, tape.problem.fused)
    assert np.array_equal(again.problem.sample_weight, np.arange(11.0))
    assert all(np.array_equal(again.nodes[n], a) for n, a in tape.nodes.items())
    assert compare(NET.backpropagate(w, x, y, LOSS, tape.problem.draws, np.arange(11.0)), again).ok


@pytest.mark.parametrize("mode", MODES)
def test_a_dropout_that_hands_logits_on_in_inference_is_refused(mode: Any) -> None:
    mlp = MLP(2, [Dense(3, "softmax"), Dropout(0.5)])
    model = to_keras(mlp, mlp.initialize(0))
    text = (
        r"^dropout_1: in inference this Dropout hands the output on together with its logits, .* Leave the Dropout out"
    )
    with pytest.raises(ValueError, match=text):
        backpropagate(model, np.ones((2, 2)), np.eye(3)[:2], LOSS, mode, training=False)


def test_of_xla_another_mask_is_noticed_and_a_last_bit_is_not() -> None:
    tape, _ = tape_and_hand("float32", "eager")
    off = {**tape.nodes, "dropout_2/z": tape.nodes["dropout_2/z"] * np.float32(1 + 2.0**-22)}
    prove_draws(tape.problem, off, exact=False)
    kept = np.argwhere(off["dropout_2/z"] != 0)[0]
    off["dropout_2/z"][tuple(kept)] = 0
    with pytest.raises(ValueError, match="dropout_2"):
        prove_draws(tape.problem, off, exact=False)
