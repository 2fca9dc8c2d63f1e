"""Backpropagation with a mistake in it, as people write it: plain NumPy, sharing nothing with the engine.

One student, one loop over the layers. Every mistake of the list is a branch where it is made in real code. The engine
makes the same mistakes by substituting in its equation records; that the two agree is what the diagnosis rests on.

Not here: mistakes of a normalisation, which `normalised` makes.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from experiments.students.attempt import Attempt
from experiments.students.slips import Slip
from experiments.students.wrong_chain_rule import bias, down, kernel, pull
from experiments.students.wrong_outputs import change_targets, head
from manual_mlp import Array, Evaluation, Problem, gradient_node

CLOSE = 1e-13  # such a step leads to the weights
STEPS_BACK = 200  # of the fixed point W_before = W + lr dE/dW(W_before)


def wrong_gradients(problem: Problem, *slips: Slip, decay: float | None = None) -> dict[str, Array]:
    """The parameter gradients of a student who makes these mistakes; with none of them, the right ones.

    A network of blocks, see `experiments.students.blocks`; a cross-entropy only behind its own activation, or from
    logits. ValueError where the mistake cannot be made: NumPy will not multiply its shapes, or no earlier step leads to
    these weights. `decay` is λ in every layer that has none of its own; None is that of a mistake in the decay, else 0.
    """
    if decay is None:
        decay = next((slip.value for slip in slips if slip.id.startswith("l2_")), 0.0)
    earlier = next((slip for slip in slips if slip.id == "accumulated" and slip.form == "step"), None)
    with np.errstate(all="ignore"):  # a mistake may well overflow
        found = _gradients(problem, decay, slips)
        return found if earlier is None else _with_the_step_before(problem, decay, earlier, found)


def _gradients(problem: Problem, decay: float, slips: tuple[Slip, ...] = ()) -> dict[str, Array]:
    attempt = Attempt(problem, slips, decay)
    change_targets(attempt)
    if slip := attempt.slip("mini_batch_dropped"):
        return finish(attempt, *in_mini_batches(attempt, slip))
    if slip := attempt.slip("only_last_sample"):
        return finish(attempt, *one_sample(attempt, slip))
    return finish(attempt, *back(attempt))


def _with_the_step_before(problem: Problem, decay: float, slip: Slip, found: dict[str, Array]) -> dict[str, Array]:
    """Never reset: the step before was W = before − lr dE/dW(before), and its gradient is still in the sum."""
    weights, wide = problem.parameters, problem.float64
    before = dict(wide.parameters)
    for _ in range(STEPS_BACK):
        step = _gradients(replace(wide, parameters=before), decay)
        before = {n: weights[n] + slip.value * step[n] for n in step}
    again = _gradients(replace(wide, parameters=before), decay)
    if not all(np.abs(before[n] - slip.value * again[n] - weights[n]).max() <= CLOSE for n in again):  # or NaN
        raise ValueError(f"No step of lr = {slip.value:g} leads to these weights: the mistake cannot be made here.")
    rounded = {n: a.astype(problem.dtype) for n, a in before.items()}
    first = _gradients(replace(problem, parameters=rounded), decay)
    return {n: found[n] + first[n] for n in found}


def with_decay(reference: Evaluation, rate: float) -> Evaluation:
    """The reference of an E that has a decay in every layer, E += λ Σ W²."""
    weights = {n: a for n, a in reference.problem.parameters.items() if n.endswith("/kernel")}
    added = {gradient_node(n): reference.gradients[n] + a.dtype.type(2 * rate) * a for n, a in weights.items()}
    return replace(reference, nodes={**reference.nodes, **added})


def back(attempt: Attempt) -> tuple[list[Array], list[Array]]:
    """dW and db, from the output down."""
    dW, db = [attempt.x] * attempt.L, [attempt.x] * attempt.L
    delta = head(attempt)
    for i in range(attempt.L - 1, -1, -1):
        dW[i], db[i] = kernel(attempt, i, delta), bias(attempt, i, delta)
        if slip := attempt.slip("bias_from_kernel", i):
            db[i] = dW[i].sum(axis=0)
        if slip := attempt.slip("stale_or_updated_kernel"):
            full = dW[i] + 2 * attempt.decay[i] * attempt.W[i]
            attempt.W[i] = attempt.W[i] - attempt.real(slip.value) * full
        attempt.above = delta
        if i:
            delta = pull(attempt, i - 1, down(attempt, i, delta))
    return dW, db


def one_sample(attempt: Attempt, slip: Slip) -> tuple[list[Array], list[Array]]:
    """= where += belongs."""
    dW, db = back(attempt.of(np.array([int(slip.value) % attempt.N])))
    factor = attempt.real(attempt.N if slip.form == "its own mean" else 1)
    return [g * factor for g in dW], [g * factor for g in db]


def in_mini_batches(attempt: Attempt, slip: Slip) -> tuple[list[Array], list[Array]]:
    """A ragged last batch, ignored or given too much weight."""
    m, N = int(slip.value), attempt.N
    batches = [np.arange(N)[s : s + m] for s in range(0, N, m)]
    if slip.form == "mean of means":
        weights = [N / (len(batches) * len(rows)) for rows in batches]
    else:
        batches = [rows for rows in batches if len(rows) == m]
        seen = m * len(batches)
        weights = [N / seen if slip.form == "ignored, mean over the rest" else 1.0] * len(batches)
    if slip.form == "divided by another count":
        batches, weights = [np.arange(N)], [N / m]
    parts = [back(attempt.of(rows)) for rows in batches]
    sums = [
        [
            sum(attempt.real(w) * part[which][i] for w, part in zip(weights, parts, strict=True))
            for i in range(attempt.L)
        ]
        for which in (0, 1)
    ]
    return sums[0], sums[1]


def finish(attempt: Attempt, dW: list[Array], db: list[Array]) -> dict[str, Array]:
    """Decay, and everything that goes wrong once the gradients are there."""
    for i in range(attempt.L):
        dW[i], db[i] = decayed(attempt, i, dW[i], db[i])
        dW[i], db[i] = damaged(attempt, i, dW[i], db[i])
    reversed_list = attempt.slip("layers_reversed")
    if reversed_list and reversed_list.form != "flat":
        dW, db = dW[::-1], db[::-1]
    if attempt.slip("convention_transposed"):
        dW = [g.T for g in dW]
    factor = 1.0
    if attempt.slip("sign"):
        factor = -1.0
    if slip := attempt.slip("learning_rate_inside"):
        factor *= slip.value
    if (slip := attempt.slip("accumulated")) and slip.form == "twice":
        factor *= 2
    named: dict[str, Array] = {}
    for name, dw, b, has in zip(attempt.names, dW, db, attempt.b, strict=True):
        named[f"{name}/kernel"] = dw if factor == 1 else dw * attempt.real(factor)
        if has is not None:
            named[f"{name}/bias"] = b if factor == 1 else b * attempt.real(factor)
    if reversed_list and reversed_list.form == "flat":
        return dict(zip(named, reversed(named.values()), strict=True))
    return named


def decayed(attempt: Attempt, i: int, dW: Array, db: Array) -> tuple[Array, Array]:
    """+ 2λW, and what becomes of it."""
    decay, b = attempt.decay[i], attempt.b[i]
    if not decay:
        return dW, db
    factor: float = 0 if attempt.slip("l2_missing", i) else -2 if attempt.slip("l2_sign", i) else 2
    if slip := attempt.slip("l2_factor", i):
        factor = {"λW": 1, "4λW": 4, "2λW/N": 2 / attempt.N, "λW/N": 1 / attempt.N}[slip.form]
    if attempt.slip("l2_bias", i) and b is not None:
        db = db + 2 * decay * b
    return dW + attempt.real(factor) * decay * attempt.decayed_W[i], db


def damaged(attempt: Attempt, i: int, dW: Array, db: Array) -> tuple[Array, Array]:
    """Zeros and stray factors."""
    if attempt.slip("bias_missing", i):
        db = np.zeros_like(db)
    if slip := attempt.slip("row_missing", i):
        dW = dW.copy()
        if slip.form == "first row":
            dW[0] = 0
        elif slip.form == "last row":
            dW[-1] = 0
        else:
            dW[:, -1] = 0
    if slip := attempt.slip("stray_constant", i):
        if slip.form == "bias":
            db = db * attempt.real(slip.value)
        else:
            dW = dW * attempt.real(slip.value)
    return dW, db
