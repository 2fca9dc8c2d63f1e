"""The problems that code is traced on: small, of the same form, and with sizes that nothing can confuse."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from manual_mlp import MLP, Activation, Dense, Problem
from manual_mlp.extend import draw_data, draw_parameters
from manual_mlp.layers import BatchNormalization, LayerNormalization, RMSNormalization

SAMPLES = 5
_WIDTHS = (4, 3, 6, 7, 9, 11, 12, 13)
"""Apart from each other and from N, and such that N, K, K/2 and N·K/2 are apart from 2, 4 and each other."""


_OF_ANY_WIDTH = (Dense, Activation, BatchNormalization, LayerNormalization, RMSNormalization)


def problems_to_trace(problem: Problem, seed: int = 0, fixed: bool = False) -> Iterator[Problem]:
    """In float64: other widths, drawn anew; the caller's widths, drawn anew; his own, cut to few samples; all of it."""
    if not problem.draws and problem.sample_weight is None:
        if not fixed and (narrow := _other_widths(problem, seed)):
            yield narrow
        yield drawn_anew(problem, seed, problem.batch if fixed else SAMPLES)
    own = problem.float64
    if own.batch > SAMPLES and not fixed:
        yield own.of_samples(slice(SAMPLES))
    yield own


def drawn_anew(problem: Problem, seed: int, batch: int | None = None) -> Problem:
    """The same network, loss and sizes with other weights and data."""
    return _draw(problem, problem.mlp, seed, problem.batch if batch is None else batch)


def widened(problem: Problem, seed: int) -> Problem | None:
    """The same form with other widths; None where it has layers that this does not know."""
    return _other_widths(problem, seed, shift=1)


def _other_widths(problem: Problem, seed: int, shift: int = 0) -> Problem | None:
    mlp = problem.mlp
    dense = [layer for layer in mlp.layers if isinstance(layer, Dense)]
    if not all(isinstance(layer, _OF_ANY_WIDTH) for layer in mlp.layers) or len(dense) >= len(_WIDTHS) - 2:
        return None
    inputs, *units = _WIDTHS[shift : shift + 1 + len(dense)]
    if mlp.units[-1] == 1:
        units[-1] = 1
    wide = dict(zip(map(id, dense), units, strict=True))
    layers = [replace(layer, units=wide[id(layer)]) if isinstance(layer, Dense) else layer for layer in mlp.layers]
    return _draw(problem, MLP(inputs, layers), seed, SAMPLES)


def _draw(problem: Problem, mlp: MLP, seed: int, batch: int) -> Problem:
    rng = np.random.default_rng(seed)
    parameters = draw_parameters(rng, mlp, "normal(0.3)")
    x, y = draw_data(rng, batch, mlp, problem.loss.name)
    fused = problem.fused and mlp.fuses(problem.loss)
    return mlp.problem(parameters, x, y, problem.loss, fused, training=problem.training)
