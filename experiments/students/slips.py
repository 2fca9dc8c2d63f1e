"""Slips: one way to make one mistake in one place, and which of them a network allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from experiments.students.blocks import Block, blocks
from manual_mlp import Problem

SUMS = ("half_sum_squared_error", "sum_squared_error")
CROSS_ENTROPIES = ("binary_crossentropy", "categorical_crossentropy", "sparse_categorical_crossentropy")
DERIVATIVES = {
    "sigmoid": ("z", "1 - z", "u(1 - u)", "e^-u/(1 + e^-u)", "1 - z²"),
    "tanh": ("1 - z", "tanh", "1 - u²", "1/cosh u", "z(1 - z)"),
    "relu": ("u", "z", "leaky"),
}
AFTER_DROPOUT = "of the output after dropout"


@dataclass(frozen=True)
class Slip:
    """One mistake, made in one place."""

    id: str  # as in `gradient_diff.MISTAKES`
    # the dense layers, counted from 0 at the input; None for everywhere, or where no layer is meant
    layer: int | None = None
    form: str = ""  # which of several ways to make it
    value: float = 0.0  # a constant, where one is needed: a learning rate, a shift, a factor, λ

    def __str__(self) -> str:
        place = "" if self.layer is None else f" in layer {self.layer + 1}"
        form = f", {self.form}" if self.form else ""
        return f"{self.id}{place}{form}" + (f", {self.value:g}" if self.value else "")


def possible_slips(problem: Problem, seed: int = 0) -> Iterator[Slip]:
    """Every way to make every mistake that this network and its data allow."""
    rng = np.random.default_rng(seed)
    yield from _scale(problem, rng)
    yield from _decay(problem, rng)
    yield from _dropout(problem)
    yield from _derivatives(problem)
    yield from _output(problem)
    yield from _axes(problem)
    yield from _matrices(problem, rng)
    yield from _sums(problem, rng)
    yield from _targets(problem, rng)


def _blocks(problem: Problem) -> list[Block]:
    return blocks(problem.mlp)


def _layers(problem: Problem) -> range:
    return range(len(_blocks(problem)))


def _widths(problem: Problem) -> list[int]:
    return [*problem.mlp.input_shape, *(b.units for b in _blocks(problem))]


def _with_bias(problem: Problem) -> list[int]:
    return [i for i, block in enumerate(_blocks(problem)) if block.use_bias]


def _scale(problem: Problem, rng: np.random.Generator) -> Iterator[Slip]:
    yield Slip("sign")
    if problem.loss.name in SUMS:
        yield Slip("mean_for_sum")
    else:
        yield Slip("missing_batch_mean")
        for form in ("everywhere", "kernels", "hidden"):
            yield Slip("batch_mean_twice", form=form)
    if problem.loss.name in ("mean_squared_error", "binary_crossentropy"):
        yield Slip("missing_output_mean", form="K")
    if problem.loss.name == "mean_squared_error":
        for form in ("K/2", "NK", "NK/2"):
            yield Slip("missing_output_mean", form=form)
    for form in ("2", "½"):
        yield Slip("factor_two", form=form)
    rate = float(np.exp(rng.uniform(np.log(1e-4), np.log(0.3))))
    yield Slip("learning_rate_inside", value=rate)
    yield Slip("learning_rate_inside", value=-rate)
    for i in _layers(problem):
        yield Slip("stray_constant", i, "kernel", float(rng.uniform(1.2, 4)))
    for i in _with_bias(problem):
        yield Slip("stray_constant", i, "bias", float(rng.uniform(1.2, 4)))
        yield Slip("bias_mean", i)
    if _with_bias(problem):
        yield Slip("bias_mean")


def _decay(problem: Problem, rng: np.random.Generator) -> Iterator[Slip]:
    rate = float(np.exp(rng.uniform(np.log(1e-3), np.log(0.3))))
    own = [i for i, block in enumerate(_blocks(problem)) if block.decay]
    for i in (None, *(own if len(own) > 1 else ())):
        value = 0.0 if own else rate
        yield Slip("l2_missing", i, value=value)
        yield Slip("l2_factor", i, "λW", value)
        yield Slip("l2_factor", i, "4λW", value)
        for form in ("2λW/N", "λW/N") if problem.batch > 1 else ():
            yield Slip("l2_factor", i, form, value)
        yield Slip("l2_sign", i, value=value)
        if set(_with_bias(problem)) & set(own or _with_bias(problem)) and (i is None or i in _with_bias(problem)):
            yield Slip("l2_bias", i, value=value)


def _dropout(problem: Problem) -> Iterator[Slip]:
    places = [i for i, block in enumerate(_blocks(problem)) if block.mask]
    for i in (*places, *((None,) if len(places) > 1 else ())):
        for form in ("no mask", "scale without mask", "nowhere"):
            yield Slip("dropout_mask_missing", i, form)
        for form in ("backward", "forward", "both", "mask twice"):
            yield Slip("dropout_scale_missing", i, form)


def _derivatives(problem: Problem) -> Iterator[Slip]:
    """Where δ = dE/dz ⊙ f′ is computed: everywhere but at an output whose loss gives δ itself."""
    kinds, n = [block.activation for block in _blocks(problem)], _widths(problem)[1:]
    cross = problem.loss.name in CROSS_ENTROPIES
    places = [i for i, kind in enumerate(kinds) if kind in DERIVATIVES and not (cross and i == len(kinds) - 1)]
    hidden = [i for i in places if i < len(kinds) - 1]
    for i in places:
        yield Slip("derivative_sign", i)
        yield Slip("local_replaces_upstream", i)
        for form in DERIVATIVES[kinds[i]]:
            yield Slip("derivative_wrong", i, form)
        if kinds[i] in ("sigmoid", "tanh"):
            yield Slip("derivative_at_output", i)
        if kinds[i] in ("sigmoid", "tanh") and _blocks(problem)[i].mask:
            yield Slip("derivative_wrong", i, AFTER_DROPOUT)
        for j, kind in enumerate(kinds):
            if j != i and n[j] == n[i] and kind != "softmax":
                yield Slip("wrong_layer_derivative", i, value=j)
        if kinds[i] == "relu":
            for form in ("u >= 0", "u < 0", "g > 0", "g > 0 and u > 0"):
                yield Slip("relu_mask", i, form)
        if problem.batch == n[i]:
            yield Slip("elementwise_for_matmul", i, "derivative")
    for i in hidden:
        yield Slip("missing_derivative", i)
        if i:  # below the lowest nothing is left to tell the two apart
            yield Slip("missing_derivative", i, "own gradients")
    if len(hidden) > 1:
        for name in ("missing_derivative", "derivative_at_output", "derivative_sign"):
            if name != "derivative_at_output" or {kinds[i] for i in hidden} <= {"sigmoid", "tanh"}:
                yield from _all_hidden(name, hidden, len(kinds))


def _all_hidden(name: str, hidden: list[int], layers: int) -> Iterator[Slip]:
    """Everywhere, where no activation of the output would be hit, too."""
    if hidden == list(range(layers - 1)):
        yield Slip(name, form="hidden")


def _output(problem: Problem) -> Iterator[Slip]:
    last, loss = _blocks(problem)[-1].activation, problem.loss.name
    yield Slip("output_not_loss")
    if loss in CROSS_ENTROPIES:
        yield Slip("output_derivative_kept", form="p(1 - p)")
        yield Slip("softmax_twice")
        for kind in ("mse", "quadratic", "half sum"):
            yield Slip("other_loss", form=f"{kind}, with f′")
            yield Slip("other_loss", form=f"{kind}, without f′")
        for form in ("clipped", "no gradient outside"):
            yield Slip("probability_clip", form=form, value=1e-7)
        if loss == "binary_crossentropy":
            yield Slip("bce_inner_sign")
        else:
            yield Slip("output_derivative_kept", form="jacobian")
            yield Slip("softmax_elementwise")
        return
    if last != "linear":
        yield Slip("output_derivative_dropped")
    if last == "softmax":
        yield Slip("softmax_elementwise")
    if loss == "mean_squared_error":
        yield Slip("other_loss", form="mae")
        yield Slip("other_loss", form="rmse")
    if last in ("sigmoid", "softmax"):
        yield Slip("other_loss", form="bce" if last == "sigmoid" else "cce")


def _axes(problem: Problem) -> Iterator[Slip]:
    """f′ lost on the way down; sums of softmax along another axis; biases that are columns."""
    found, n, batch, logits = _blocks(problem), _widths(problem), problem.batch, problem.loss.from_logits
    bent = [i for i, b in enumerate(found) if i and b.activation != "linear"]
    bent = [i for i in bent if not (logits and i == len(found) - 1)]
    for i in (*bent, *((None,) if len(bent) > 1 else ())):
        yield Slip("derivative_not_sent_down", i)
    softmax = [i for i, b in enumerate(found) if b.activation == "softmax"]
    if softmax == [len(found) - 1] or problem.loss.name in CROSS_ENTROPIES[1:]:
        for form in ("everything", "samples", *(("no keepdims",) if batch == n[-1] else ())):
            yield Slip("softmax_axis", form=form)
    for i in _with_bias(problem):
        for form in ("rows", "columns") if n[i + 1] > 1 else ():
            yield Slip("bias_column", i, form)
        if batch == n[i + 1] > 1:
            yield Slip("bias_column", i, "forward")


def _matrices(problem: Problem, rng: np.random.Generator) -> Iterator[Slip]:
    n, batch = _widths(problem), problem.batch
    yield Slip("convention_transposed")
    if len(n) > 2 and len(_with_bias(problem)) == len(_layers(problem)):
        yield Slip("layers_reversed")
    yield Slip("layers_reversed", form="flat")
    if len(n) > 2:
        yield Slip("stale_or_updated_kernel", value=float(np.exp(rng.uniform(np.log(1e-3), np.log(0.5)))))
    if batch > 1:
        yield Slip("batch_misaligned", value=int(rng.integers(1, batch)))
    for i in _layers(problem):
        yield Slip("transposed", i)
        yield from _inputs(problem, i)
        if batch > 1:
            yield Slip("batch_misaligned", i, value=int(rng.integers(1, batch)))
        if n[i] == n[i + 1]:
            yield Slip("elementwise_for_matmul", i, "kernel")
            if i:
                yield Slip("backprop_untransposed", i)
                if batch == n[i]:
                    yield Slip("elementwise_for_matmul", i, "down")
        for j in _layers(problem):
            if i and j != i and (n[j], n[j + 1]) == (n[i], n[i + 1]):
                yield Slip("wrong_kernel", i, value=j)
    if len(n) > 3 and len(set(n[1:])) == 1:
        yield Slip("backprop_untransposed")


def _inputs(problem: Problem, i: int) -> Iterator[Slip]:
    n = _widths(problem)
    if n[i + 1] == n[i]:
        yield Slip("wrong_input", i, "own z")
    if i:
        yield Slip("wrong_input", i, "u")
        if _blocks(problem)[i - 1].mask:
            yield Slip("wrong_input", i, "unmasked")
        if n[0] == n[i]:
            yield Slip("wrong_input", i, "x")
    if i > 1 and n[i - 1] == n[i]:
        yield Slip("wrong_input", i, "z", i - 1)
    if i < len(n) - 2:
        yield Slip("wrong_input", i, "next layer's")


def _sums(problem: Problem, rng: np.random.Generator) -> Iterator[Slip]:
    batch, biases = problem.batch, _with_bias(problem)
    for i in biases:
        yield Slip("bias_not_summed", i)
        for form in ("number", "filled", "units"):
            yield Slip("bias_summed_over_all", i, form)
        yield Slip("bias_from_kernel", i)
        yield Slip("bias_missing", i)
    for name in ("bias_not_summed", "bias_from_kernel", "bias_missing") if len(biases) > 1 else ():
        yield Slip(name)
    for i in _layers(problem):
        for form in ("first row", "last row", "last column"):
            yield Slip("row_missing", i, form)
    yield Slip("accumulated", form="twice")
    yield Slip("accumulated", form="step", value=float(np.exp(rng.uniform(np.log(1e-3), np.log(0.3)))))
    if batch > 2:
        for sample in (batch - 1, int(rng.integers(batch))):
            for form in ("of N", "its own mean"):
                yield Slip("only_last_sample", form=form, value=sample)
        ragged = [m for m in range(2, batch) if batch % m]
        if ragged:
            m = int(rng.choice(ragged))
            for form in ("ignored", "ignored, mean over the rest", "mean of means", "divided by another count"):
                yield Slip("mini_batch_dropped", form=form, value=m)


def _targets(problem: Problem, rng: np.random.Generator) -> Iterator[Slip]:
    k = problem.mlp.units[-1]
    yield Slip("wrong_target", form="overwritten")
    yield Slip("wrong_target", form="zero")
    if problem.batch > 1:
        yield Slip("wrong_target", form="shifted", value=int(rng.integers(1, problem.batch)))
        yield Slip("wrong_target", form="reversed")
    if problem.loss.name in CROSS_ENTROPIES:
        yield Slip("wrong_target", form="rounded")
        if k > 1 and not problem.loss.function.class_indices:
            yield Slip("wrong_target", form="labels for rows")
    if k > 1 and problem.loss.name not in CROSS_ENTROPIES:
        yield Slip("wrong_target", form="one-hot")
    if k == 1 and problem.batch > 1:
        yield Slip("targets_broadcast")
