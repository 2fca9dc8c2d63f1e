"""What is found out of a model by running it: its tape, its rounding as draws measure it, and a witness."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np

from gradient_diff.keras.gradients.data import Data
from gradient_diff.keras.gradients.loss.resolved import KerasError
from gradient_diff.keras.gradients.objective import Objective, reason_of
from gradient_diff.keras.gradients.reference import Rounded, nearest_of
from gradient_diff.keras.gradients.runs import Case, Draws, Outcome, Runs, Traced
from gradient_diff.keras.gradients.zeros import layers_off, zeros_of
from gradient_diff.noise.draws import DRAWS, further_than_order, moved
from gradient_diff.noise.given import drawn_noise
from gradient_diff.noise.network import Kind, Noise
from gradient_diff.witnesses.complex_step import Asked
from gradient_diff.witnesses.ridders import ridders
from keras_mlp import Mode
from keras_mlp.extend import (
    computes_in_float64,
    held_in_float32,
    layer_weights,
    rounded_constants,
    rounded_masks,
    tape_origin,
)
from manual_mlp import Array
from manual_mlp.extend import LOSS, UNITS, Arrays

PAIRS = 4  # draws held against float64 runs; with what one pass costs, eight would double the check of a slow model
ELSEWHERE = 0.01  # relative: data that are so far from the given ones are on one side of a kink
IN_FLOAT64, ITSELF = "a float64 run of the model", "draws of rounding on the model itself"


@dataclass(frozen=True, eq=False)
class Fine:
    """A model in float64: how to run it, its forward pass as a graph, and what one pass gave."""

    runs: Runs
    graph: Traced
    found: Outcome


@dataclass(frozen=True, eq=False)
class Measured:
    """What can be found out about E of a model by running it."""

    bare: Objective
    wanted: tuple[str, ...]
    mode: Mode

    @cached_property
    def passes(self) -> tuple[Outcome, Outcome]:
        """As the model runs, with the draws that come next, and the same once more."""
        try:
            found = self._two_passes()
        except KerasError:
            raise
        except Exception as error:  # a compiler or a gradient may raise anything
            way_out = "" if self.mode == "eager" else " Pass mode='eager', where nothing is compiled."
            raise KerasError(
                f"TensorFlow cannot compute the gradients of {self.bare.model.name} in mode {self.mode!r}: "
                f"{reason_of(error)}.{way_out}"
            ) from error
        self._check_finite(found[0])
        return found

    def _two_passes(self) -> tuple[Outcome, Outcome]:
        runs = Runs(self.bare, self.wanted)
        if self.mode == "eager":
            return runs.gradients(), runs.gradients()
        traced = Traced(runs, self.mode)
        return traced(), traced()

    def _check_finite(self, outcome: Outcome) -> None:
        """Targets may hold NaN where a loss looks away; of an E that is NaN through the data nothing can be asked."""
        if np.isfinite(outcome.loss) or all(a.dtype.kind != "f" or np.isfinite(a).all() for a in self.bare.data.leaves):
            return
        raise KerasError(
            f"E of {self.bare.model.name} is {outcome.loss}, and the data hold values that are NaN or Inf. Clean the "
            "data first: every gradient would be NaN."
        )

    @property
    def first(self) -> Outcome:
        return self.passes[0]

    @cached_property
    def objective(self) -> Objective:
        kinds = {spec.dtype.name for spec in self.first.outputs}
        dtype = kinds.pop() if len(kinds) == 1 else ""
        return replace(self.bare, outputs=dtype, penalties=self.first.penalties)

    @cached_property
    def steady(self) -> bool:
        """Whether a second pass from the same state gives the same, but for the order of sums."""
        again = self.passes[1]
        terms = sum(a.size for a in (*self.first.gradients.values(), *self.objective.data.leaves))
        first, second = with_loss(self.first), with_loss(again)
        return not any(further_than_order(a, second[n], terms, self.objective.coarsest) for n, a in first.items())

    @cached_property
    def fine(self) -> Fine | None:
        """The model in float64 throughout, on the same draws; None where no such run can be had."""
        try:
            runs = Runs(self.objective, self.wanted, "float64", draws=self.first.draws)
            found = runs.gradients()
            if not self._agrees(runs, found):
                return None
            graph = Traced(runs, values=not self.objective.loss.stepped)
        except Exception:  # noqa: BLE001  # a model may refuse another dtype, or a graph, with any error of its own
            return None
        return Fine(runs, graph, found) if computes_in_float64(graph.graph) else None

    def _agrees(self, runs: Runs, found: Outcome) -> bool:
        """Whether a float64 run computes what the model does; a kink may lie between the two, but not at other data."""
        if self._the_same(self.first, found):
            return True
        own = Runs(self.objective, self.wanted, draws=self._own_draws)
        rng = np.random.default_rng(0)

        def elsewhere(a: Array) -> Array:
            return a * (1 + ELSEWHERE * rng.uniform(-1, 1, a.shape)).astype(a.dtype) if a.dtype.kind == "f" else a

        cases = [Case(self.objective.data.mapped(elsewhere)) for _ in range(PAIRS)]
        return any(self._the_same(own.each([case])[0], runs.each([case])[0]) for case in cases)

    def _the_same(self, first: Outcome, found: Outcome) -> bool:
        """Whether two agree in half of the digits that the model has."""
        pairs = [(np.asarray(a, np.float64), found.gradients[n]) for n, a in first.gradients.items()]
        size = (
            max((float(np.abs(b).max(initial=0.0)) for _, b in pairs), default=0.0) or 1.0
        )  # whose square may overflow
        with np.errstate(over="ignore", invalid="ignore"):  # what is no number agrees with nothing
            off = sum(float(np.square((a - b) / size).sum()) for a, b in pairs)
            return off <= UNITS[self.objective.coarsest] * sum(float(np.square(b / size).sum()) for _, b in pairs)

    @property
    def plain(self) -> Runs:
        """The sharpest way to run that there is, with constants as Keras holds them."""
        return self.fine.runs if self.fine else Runs(self.objective, self.wanted, draws=self._own_draws)

    @property
    def _own_draws(self) -> Draws | None:
        """Eager passes of its own dtype draw the same by themselves, their seeds standing where they stood."""
        return None if self.mode == "eager" else self.first.draws

    def in_float64(self, mine: Arrays) -> tuple[Arrays, Rounded | None, Runs]:
        """The gradients in float64; with constants as Keras holds them or as written, whichever is nearer."""
        assert self.fine is not None
        runs = self.ways_in_float64
        if len(runs) == 1:
            return self.fine.found.gradients, None, self.plain
        found = [self.fine.found.gradients, *(way.gradients().gradients for way in runs[1:])]
        nearest = nearest_of(mine, found)
        other = found[0] if nearest else found[-1]
        return found[nearest], Rounded(self._held, other), runs[nearest]

    @property
    def ways_in_float64(self) -> list[Runs]:
        """With constants, and what a dropout keeps, as Keras holds them and as written, where these differ."""
        constants = (False, True) if self._rounded else (False,)
        masks = (False, True) if rounded_masks(self.first.draws) else (False,)
        return [replace(self.plain, exact=c, exact_masks=m) if c or m else self.plain for c in constants for m in masks]

    @cached_property
    def _rounded(self) -> tuple[float, ...]:
        assert self.fine is not None
        return (*held_in_float32(self.fine.graph.graph), *rounded_constants(self.objective.model))

    @cached_property
    def _held(self) -> tuple[float, ...]:
        """Constants that Keras holds in float32."""
        return tuple(sorted({*self._rounded, *rounded_masks(self.first.draws)}))

    def always_zero(self, names: set[str]) -> set[str]:
        """Those of the weights whose gradient no data make other than zero; none where no float64 run can tell."""
        if self.fine is None or self.bare.loss.stepped:
            return set()
        return zeros_of(self.objective, names, draws=bool(self.first.draws))

    def layers_off(self) -> list[str]:
        """The layers that give nothing but zeros on these data."""
        return layers_off(self.objective)

    def noise(self, tape: Arrays, coarsely: bool = False) -> Noise:
        """What is drawn; where both sides are float64 throughout, that of float32, scaled: nothing finer is at hand."""
        same = self.fine is not None and not coarsely and all(a.dtype == np.float64 for a in tape.values())
        scale = UNITS["float64"] / UNITS[self._drawn_in] if same else 1.0
        return replace(self._drawn, sigma={n: s * scale for n, s in self._drawn.sigma.items()})

    @property
    def _drawn_in(self) -> str:
        computed = self.objective.computed
        return self.objective.coarsest if self.fine is None else "float32" if computed == "float64" else computed

    @cached_property
    def _drawn(self) -> Noise:
        """Draws of the rounding: runs on numbers that are moved by one unit roundoff, the samples in another order.

        They are held against float64 runs on the same numbers, or else against the first of them, so that what the
        moved digits change counts as rounding, too. In mixed precision the numbers stay as finely stored as they are.
        """
        pairs = [tuple(map(with_loss, pair)) for pair in self._pairs(self._drawn_in)]
        with np.errstate(over="ignore", invalid="ignore"):  # ∞ − ∞ is no number, and no draw
            errors = [{n: a - right[n] for n, a in coarse.items()} for coarse, right in pairs]
        values, source = (with_loss(self.fine.found), IN_FLOAT64) if self.fine else (with_loss(self.first), ITSELF)
        # Of what no draw gives numbers, an E that overflows, nothing is known: no σ is not a σ of zero.
        known = {n: a for n, a in values.items() if any(np.isfinite(e[n]).all() for e in errors)}
        drawn = {n: [e for e in errors if np.isfinite(e[n]).all()] for n in known}
        each = [drawn_noise({n: a}, drawn[n], source, Kind.DRAWN) for n, a in known.items()]
        sigma = {n: s for one in each for n, s in one.sigma.items()}
        bound = {n: b for one in each for n, b in one.bound.items()}
        return Noise("", values, sigma, bound, 0, source=source, kind=Kind.DRAWN)

    def _pairs(self, dtype: str) -> list[tuple[Outcome, Outcome]]:
        """(as computed in a dtype, what is right), on moved numbers."""
        cases = self._moved(dtype, PAIRS if self.fine else DRAWS + 1)
        own = dtype == self.objective.computed or self.fine is None
        draws = self._own_draws if own else self.first.draws
        coarse = Runs(self.objective, self.wanted, None if own else dtype, draws=draws).each(cases)
        if self.fine:
            return list(zip(coarse, self.fine.runs.each(cases), strict=True))
        return [(found, coarse[0]) for found in coarse[1:]]

    def _moved(self, dtype: str, count: int) -> list[Case]:
        """The data and weights, from the second time on with each number moved by one unit roundoff."""
        objective, rng = self.objective, np.random.default_rng(0)
        stored = objective.stored if objective.stored != objective.computed else dtype
        start = [w.numpy() for w in layer_weights(objective.model).values()]
        cases = []
        for draw in range(count):
            change = partial(moved, dtype=dtype, rng=rng, draw=draw, stored=stored)
            cases.append(Case(self._ordered(rng, draw).mapped(change), [change(a) for a in start]))
        return cases

    def _ordered(self, rng: np.random.Generator, draw: int) -> Data:
        """A mean absolute error sums ±1/N, whose rounding hangs on the order of the samples alone."""
        data = self.objective.data
        order = rng.permutation(data.batch)
        return data.ordered(order) if draw and data.can_be_ordered and not self.objective.has_state else data

    def witness(self, runs: Runs) -> Asked | None:
        """Ridders' differences of E, moving one weight array along a direction."""
        if self.objective.loss.stepped:
            return None
        names = list(layer_weights(self.objective.model))
        start = [np.asarray(w.numpy(), np.float64) for w in layer_weights(self.objective.model).values()]

        made: list[Callable[..., Outcome]] = []  # once it is asked at all

        def ask(name: str, direction: Array) -> tuple[float, float]:
            made.extend([] if made else [self._values(runs)])
            at = names.index(name)

            def value(h: float) -> float:
                return made[0]([a + h * direction if i == at else a for i, a in enumerate(start)]).loss

            return ridders(value, step=0.01, noise=np.spacing(abs(self.first.loss)) if self.fine else self._spread)

        return ask

    def _values(self, runs: Runs) -> Callable[..., Outcome]:
        """E at other weights, as a graph where there is one."""
        if self.fine and runs is self.fine.runs:
            return self.fine.graph
        try:
            return Traced(runs, values=True)
        except Exception:  # noqa: BLE001  # plain Python may be no graph, for any reason; then it runs as it is
            return lambda weights: runs.each([Case(self.objective.data, weights)])[0]

    @cached_property
    def _spread(self) -> float:
        """How far rounding moves E itself: at least one spacing of it in the dtype in which it comes."""
        losses = [coarse.loss for coarse, _ in self._pairs(self.objective.coarsest)]
        spacing = 2 * UNITS[self.objective.coarsest] * abs(self.first.loss)
        return max([spacing, *(abs(e - self.first.loss) for e in losses)])

    @property
    def sizes(self) -> tuple[int, int] | None:
        """N and K of a model with one output, (N, K); None of any other."""
        shapes = [tuple(spec.shape) for spec in self.first.outputs]
        return shapes[0] if len(shapes) == 1 and len(shapes[0]) == 2 else None

    def origin(self, finer: bool) -> str:
        dtype = "float64" if finer else self.objective.computed
        return tape_origin(self.mode, self.objective.training is not False, self.objective.loss.words, dtype)


def with_loss(outcome: Outcome) -> dict[str, Array]:
    """E and its gradients, in float64."""
    return {LOSS: np.array(outcome.loss), **{n: np.asarray(a, np.float64) for n, a in outcome.gradients.items()}}
