"""Products of fewer bits: explained as such, whoever prepared the operands; and nothing else is."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import replace

import ml_dtypes
import numpy as np
import pytest

from gradient_diff import GradientDiff, Status, compare
from gradient_diff.judging import fewer_bits
from gradient_diff.judging.fewer_bits import JUDGE, WAYS, FewerBits, Operands, with_operands
from manual_mlp import MLP, Array, Dense, Evaluation, evaluation_of
from manual_mlp.extend import Local, Precision, Product

Prepare = Callable[[Array], Array]
RNG = np.random.default_rng(0)


def _tf32(a: Array) -> Array:
    """By its bits: nearest, ties away from zero."""
    bits = np.ascontiguousarray(a, np.float32).view(np.uint32)
    return ((bits + np.uint32(0x1000)) & np.uint32(0xFFFFE000)).view(np.float32)


def _masked(mask: int) -> Prepare:
    return lambda a: (np.ascontiguousarray(a, np.float32).view(np.uint32) & np.uint32(mask)).view(np.float32)


PREPARED: dict[str, tuple[Prepare, str]] = {
    "TF32": (_tf32, "have 11 significant bits (TF32)"),
    "bfloat16": (lambda a: a.astype(ml_dtypes.bfloat16).astype(np.float32), "have 8 significant bits (bfloat16)"),
    "float16": (lambda a: a.astype(np.float16).astype(np.float32), "have 11 significant bits ("),
    "cut to 11": (_masked(0xFFFFE000), "are cut off to 11 significant bits (TF32)"),
    "cut to 8": (_masked(0xFFFF0000), "are cut off to 8 significant bits (bfloat16)"),
}


def _run(seed: int, sizes: tuple[int, int, int], batch: int, positive: bool = False) -> Evaluation:
    mlp = MLP(sizes[0], [Dense(sizes[1], "tanh"), Dense(sizes[2])])
    rng = np.random.default_rng(seed)
    x, y = (rng.normal(size=(batch, n)).astype(np.float32) for n in (sizes[0], sizes[2]))
    return mlp.backpropagate(mlp.initialize(seed, dtype="float32"), np.abs(x) if positive else x, y, "mse")


def _hand(e: Evaluation, prepare: Prepare) -> dict[str, Array]:
    """The right derivation, samples in another order, every product of operands so prepared."""
    w, x, y = e.problem.parameters, e.problem.x[::-1], e.problem.y[::-1]

    def product(a: Array, b: Array) -> Array:
        return np.asarray(prepare(a) @ prepare(b))

    z = np.tanh(product(x, w["dense_1/kernel"]) + w["dense_1/bias"])
    d2 = np.float32(2 / y.size) * (product(z, w["dense_2/kernel"]) + w["dense_2/bias"] - y)
    d1 = product(d2, w["dense_2/kernel"].T) * (1 - z * z)
    kernels = {"dense_1/kernel": product(x.T, d1), "dense_2/kernel": product(z.T, d2)}
    return {**kernels, "dense_1/bias": d1.sum(0), "dense_2/bias": d2.sum(0)}


def _words(diff: GradientDiff) -> set[str]:
    return {row.reason for row in diff.rows if row.status is Status.INCONCLUSIVE}


@pytest.mark.parametrize("name", PREPARED)
@pytest.mark.parametrize(
    ("seed", "sizes", "batch"), [(0, (5, 7, 3), 11), (1, (784, 30, 10), 64), (2, (8, 200, 2), 512), (3, (3, 4, 2), 5)]
)
def test_a_right_derivation_of_fewer_bits_is_explained_as_such(
    name: str, seed: int, sizes: tuple[int, int, int], batch: int
) -> None:
    e, (prepare, words) = _run(seed, sizes, batch, positive=batch == 64), PREPARED[name]
    diff = compare(_hand(e, prepare), e)
    assert (diff.verdict, diff.verdict.exit_code, diff.ok) == (Status.INCONCLUSIVE, 2, False)
    (said,) = _words(diff)
    assert said.startswith("these are the gradients of products whose operands ")
    assert words in said or name == "float16"
    assert (diff.causes, diff.unexplained) == ((), "")
    assert {row.judge for row in diff.rows if row.reason == said} == {JUDGE}


def test_the_way_out_is_said() -> None:
    e = _run(0, (5, 7, 3), 11)
    meaning = compare(_hand(e, _tf32), e).meaning(Status.INCONCLUSIVE)
    assert meaning.message == "these are the gradients of products whose operands have 11 significant bits (TF32)"
    assert meaning.advice == (
        "Compute in full float32, e.g. after tf.config.experimental.enable_tensor_float_32_execution(False); "
        "or choose how far off such products may be: compare(…, rtol=)."
    )


def test_and_it_is_one() -> None:
    e = _run(0, (5, 7, 3), 11)
    assert compare(_hand(e, _tf32), e, rtol=5e-3).verdict is Status.MATCH
    assert compare(_hand(e, lambda a: a), e).verdict is Status.MATCH


@pytest.mark.parametrize("name", PREPARED)
@pytest.mark.parametrize(("wrong", "factor"), [("dense_1/kernel", 1.01), ("dense_2/bias", -1), ("dense_1/bias", 1.1)])
def test_a_mistake_on_top_is_a_mismatch(name: str, wrong: str, factor: float) -> None:
    e = _run(0, (20, 30, 5), 32)
    mine = _hand(e, PREPARED[name][0])
    diff = compare({**mine, wrong: np.float32(factor) * mine[wrong]}, e)
    assert diff.verdict is Status.MISMATCH


@pytest.mark.parametrize("by", [2.0**-8, 2.0**-9, 2.0**-11, 2.0**-12, -(2.0**-11)])
def test_a_constant_as_small_as_what_bits_leave_is_no_lack_of_bits(by: float) -> None:
    for seed, sizes, batch in ((0, (5, 7, 3), 11), (1, (3, 4, 2), 5), (2, (20, 30, 5), 64)):
        e = _run(seed, sizes, batch)
        diff = compare({n: np.float32(1 + by) * g for n, g in e.gradients.items()}, e)
        assert diff.verdict is Status.MISMATCH


def test_full_products_are_what_they_were() -> None:
    e = _run(0, (20, 30, 5), 32)
    assert compare(_hand(e, lambda a: a), e).verdict is Status.MATCH


def test_a_reference_of_fewer_bits_is_not_called_off() -> None:
    """A tape on a graphics card, all of its arrays: forward, too, and a hand in full float32."""
    e = _run(0, (20, 30, 5), 32)
    coarse = evaluation_of(with_operands(e.problem, WAYS[0]))
    nodes = {n: np.asarray(a, np.float32) for n, a in coarse.nodes.items()}
    tape = Evaluation(nodes, e.problem, "a tape elsewhere")
    for hand in (e, e.gradients, dataclasses.replace(e, rerun=None)):
        diff = compare(hand, tape)
        assert diff.verdict is Status.INCONCLUSIVE
        (said,) = _words(diff)
        start = "those of the reference are the gradients of products whose operands have 11 significant bits"
        assert said.startswith(start)


def test_what_the_caller_granted_and_sixteen_bits_are_not_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fewer_bits, "_explained", lambda *args: pytest.fail("asked"))
    e = _run(0, (5, 7, 3), 11)
    assert compare(_hand(e, _tf32), e, rtol=1e-7).verdict is Status.DIFFERENT
    half = {n: a.astype(np.float16) for n, a in e.problem.parameters.items()}
    e16 = e.problem.mlp.backpropagate(half, e.problem.x.astype(np.float16), e.problem.y.astype(np.float16), "mse")
    assert compare({n: 2 * g for n, g in e16.gradients.items()}, e16).verdict is Status.MISMATCH


def test_a_hand_that_is_far_from_all_of_them_costs_no_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    e = _run(0, (20, 30, 5), 32)
    monkeypatch.setattr(fewer_bits, "rounding_noise", lambda *args: pytest.fail("drawn"))
    assert compare({n: 2 * g for n, g in e.gradients.items()}, e).verdict is Status.MISMATCH


# one operand on the other side of half-way


FLIPPED = [(48, (10, 26, 18), 64), (58, (7, 89, 5), 5)]


def _drawn(seed: int, sizes: tuple[int, int, int], batch: int) -> Evaluation:
    rng = np.random.default_rng(seed)
    rng.uniform(size=4)  # the sizes, once drawn of it
    mlp = MLP(sizes[0], [Dense(sizes[1], "tanh"), Dense(sizes[2])])
    x, y = (rng.normal(size=(batch, n)).astype(np.float32) for n in (sizes[0], sizes[2]))
    return mlp.backpropagate(mlp.initialize(seed, dtype="float64") | _single(mlp, seed), x, y, "mse")


def _single(mlp: MLP, seed: int) -> dict[str, Array]:
    return {n: a.astype(np.float32) for n, a in mlp.initialize(seed).items()}


def test_an_operand_that_fell_on_the_other_side_of_half_way_is_granted(monkeypatch: pytest.MonkeyPatch) -> None:
    runs = [_drawn(*case) for case in FLIPPED]
    assert [compare(_hand(e, _tf32), e).verdict for e in runs] == [Status.INCONCLUSIVE] * 2
    monkeypatch.setattr(fewer_bits.FewerBits, "rounding", _without_a_step)
    assert Status.MISMATCH in [compare(_hand(e, _tf32), e).verdict for e in runs]


def _without_a_step(self: fewer_bits.FewerBits, result: Array, *operands: Array, at: object) -> Local:
    plain = Product(self.transpose_left, self.transpose_right)
    return plain.rounding(result, *self.prepared(operands), at=at)  # type: ignore[arg-type]  # a Precision


# operands


def test_operands_lose_their_bits_as_hardware_takes_them() -> None:
    a = np.random.default_rng(0).normal(size=2000).astype(np.float32) * np.float32(3)
    tie = np.array([1 + 2.0**-11, -(1 + 2.0**-11), 1 + 2.0**-8, 0.0], np.float32)
    a = np.concatenate([a, tie])
    want = {
        WAYS[0]: _tf32(a),
        WAYS[2]: PREPARED["bfloat16"][0](a),
        WAYS[3]: PREPARED["cut to 11"][0](a),
        WAYS[4]: PREPARED["cut to 8"][0](a),
        WAYS[5]: PREPARED["float16"][0](a),
    }
    for way, expected in want.items():
        np.testing.assert_array_equal(way.prepare(a), expected.astype(np.float64))
    large = np.abs(a) > 2.0**-13
    np.testing.assert_array_equal(WAYS[1].prepare(a)[large], PREPARED["float16"][0](a)[large])


def test_the_words() -> None:
    way = Operands(11, "TF32", "cut")
    assert way.words == "these are the gradients of products whose operands are cut off to 11 significant bits (TF32)"
    assert replace(way, way="away").words.endswith("whose operands have 11 significant bits (TF32)")


@pytest.mark.parametrize("operands", [w for w in WAYS if w.way != "float16"], ids=lambda w: f"{w.bits} {w.way}")
def test_what_one_operand_may_move_is_in_proportion_to_the_operands(operands: Operands) -> None:
    product = FewerBits(False, False, operands=operands)
    a, b = RNG.normal(size=(3, 4)), RNG.normal(size=(4, 2))

    def bound(scale_a: float, scale_b: float) -> Array:
        x, y = scale_a * a, scale_b * b
        return np.asarray(product.rounding(product.evaluate(x, y), x, y, at=Precision.of("float32")).bound)

    for scales in ((2.0**-20, 1.0), (1.0, 2.0**-20), (2.0**9, 2.0**-30)):
        np.testing.assert_allclose(bound(*scales), np.prod(scales) * bound(1.0, 1.0), rtol=1e-12)


@pytest.mark.parametrize("bits", [8, 11])
def test_what_one_operand_may_move_is_one_step_of_its_bits(bits: int) -> None:
    """3 · 5: beside what the product itself may be off, 2u of the few bits, 2^(1 − bits), times both operands."""
    a, b = np.array([[3.0]]), np.array([[5.0]])
    products = (FewerBits(False, False, operands=Operands(bits, "", "cut")), Product(False, False))
    few, whole = (np.asarray(p.rounding(a * b, a, b, at=Precision.of("float32")).bound) for p in products)
    assert (few - whole).item() == pytest.approx(2.0 ** (1 - bits) * 15, rel=1e-12)
