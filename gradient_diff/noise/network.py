"""How much rounding to expect in every node: σ, computed from the network itself by running its equations.

Each operation knows only its own, local rounding. Eight runs of the same equations in float64, with that rounding
added at every step, carry it to the gradients; their spread is σ². Runs keep the correlations between units that rules
of variance from node to node would lose. Errors that repeat from sample to sample are bounded beside σ.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np

from manual_mlp import Array, Equation, Problem
from manual_mlp.extend import GATE, LOST, SUMS, UNITS, Local, Operation, Precision, Product, SumOverBatch, rows

DRAWS = 8
MORE_DRAWS = 32  # for a close call: the spread of 8 draws is itself uncertain, and 1 node in 100,000 shows it
# float64's rounding is drawn at float32's u and scaled: its own would drown in the runs' rounding.
DRAWN_UNIT = UNITS["float32"]
FEWER_DRAWS, MANY_PARAMETERS = 4, 2_000_000  # in large arrays the pooling over rows and columns steadies σ instead


class Kind(Enum):
    """From whom it is known how much rounding to expect."""

    NETWORK = "computed from the network's own equations, which can be run again"
    REPEATED = "measured by a second set of the same gradients, which may itself be off"
    DRAWN = "measured on the thing itself, by moving its last digits"
    CHOSEN = "a tolerance of the caller's own"


@dataclass(frozen=True, eq=False)
class Noise:
    """The rounding to expect in every node of one problem at one dtype.

    Attributes:
        dtype: whose rounding.
        values: the derivation in float64, node → array: what rounding is measured from.
        sigma: node → one standard deviation per entry.
        bound: node → what errors repeated along the batch may add, per entry; 0 where nothing repeats.
        evaluations: runs of all equations that it took.
        gate: the σ that a difference may reach.
        source: what says so, in words.
        kind: who says so: what may be concluded from it hangs on this, and never on the words.
        of_step: whether gradients were inferred from weights before and after, so that what storing hides is in it.
        loops: the share of the two sides whose products may be added one by one in 16 bits: see `rounding_noise`.
        rtol: the tolerance that it stands for, where the caller chose one; then nobody asks for σ.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(3, [Dense(2, "tanh")])
        >>> problem = mlp.problem(mlp.initialize(0), np.ones((4, 3)), np.zeros((4, 2)), "mse")
        >>> noise = rounding_noise(problem, "float32")
        >>> noise.sigma["dense_1/dE_dkernel"].shape
        (3, 2)
    """

    dtype: str
    values: Mapping[str, Array]
    sigma: Mapping[str, Array]
    bound: Mapping[str, Array | float]
    evaluations: int
    gate: float = GATE
    source: str = "σ given by the caller"
    kind: Kind = Kind.CHOSEN
    of_step: bool = False
    loops: float = 0.0
    rtol: float | None = None

    def tolerance(self, node: str, sides: int = 2) -> Array:
        """The largest difference that rounding explains: √sides · (16 σ + B).

        Args:
            node: its name.
            sides: how many of the two compared arrays carry this rounding: 2, or 1 if one was computed more finely.

        Returns:
            Per entry of the node.

        Example:
            >>> import numpy as np
            >>> noise = Noise("float32", {}, {"w": np.array([1.0])}, {"w": 4.0}, 0)
            >>> noise.tolerance("w", sides=1)
            array([20.])
        """
        return np.sqrt(sides) * (self.gate * self.sigma[node] + self.bound[node])

    def distance(self, node: str, difference: Array, sides: int = 2) -> Array:
        """|difference| in units of σ, after the bound has been taken off; above 16 rounding does not explain it.

        Args:
            node: its name.
            difference: of the node's shape.
            sides: as for `tolerance`.

        Returns:
            Per entry; 0 where the difference is 0, inf where σ is 0 or nobody knows it (NaN) and the difference is not.

        Example:
            >>> import numpy as np
            >>> noise = Noise("float32", {}, {"w": np.array([1.0])}, {"w": 4.0}, 0)
            >>> noise.distance("w", np.array([24.0]), sides=1)
            array([20.])
        """
        excess = np.maximum(np.abs(difference) / np.sqrt(sides) - self.bound[node], 0.0)
        sigma = np.broadcast_to(self.sigma[node], excess.shape)
        known = ~np.isnan(excess) & (sigma > 0)
        unexplained = np.where((excess == 0) | (difference == 0), 0.0, np.inf)
        return np.divide(excess, sigma, out=unexplained, where=known)


@np.errstate(over="ignore", invalid="ignore")  # where values overflow, σ is ∞ or NaN, and nothing is judged by it
def rounding_noise(
    problem: Problem,
    dtype: str | None = None,
    draws: int | None = None,
    seed: int = 0,
    anchors: Mapping[str, Array] | None = None,
    loops: float = 0.0,
) -> Noise:
    """The rounding to expect when a problem is evaluated in a dtype.

    v = mean over `draws` runs of (run − R)², pooled with its row and column means since few draws scatter; the
    leaves dE/dW, dE/db, dE/dx and E add their own local variance in place of a draw. σ = √v.

    Args:
        problem: network, parameters and data; their values count as exact.
        dtype: float64, float32, float16 or bfloat16; None for the problem's own.
        draws: perturbed runs; None for 8, or 4 for more than two million parameters.
        seed: of the draws.
        anchors: name → array, whose branch is taken at kinks; None for that of the float64 derivation.
        loops: of which share of those who computed it nothing is known, 0, ½ or 1: NumPy, TensorFlow and XLA add the
            products of 16-bit matrices in float32, but a hand of unknown origin may add them one by one in 16 bits, and
            build the Jacobian of a softmax in them.

    Returns:
        The `Noise`.

    Raises:
        TypeError: it is no Problem.
        ValueError: a dtype whose rounding is not known.

    Source: the local terms are derived in `local_rounding`; the calibration against NumPy and TensorFlow is
    `gradient-diff run noise_calibration`.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(3, [Dense(2, "tanh")])
        >>> problem = mlp.problem(mlp.initialize(0), np.ones((4, 3)), np.zeros((4, 2)), "mse")
        >>> fine, coarse = (rounding_noise(problem, dtype).sigma["loss"] for dtype in ("float64", "float32"))
        >>> bool(1e8 < coarse / fine < 1e10)
        True
    """
    if not isinstance(problem, Problem):
        how = "give its .problem" if hasattr(problem, "problem") else "an Evaluation has it as .problem"
        raise TypeError(f"problem is {type(problem).__name__}: expected a Problem; {how}.")
    name = problem.dtype.name if dtype is None else dtype
    if draws is None:
        large = sum(array.size for array in problem.parameters.values()) > MANY_PARAMETERS
        draws = FEWER_DRAWS if large else DRAWS
    if name not in UNITS:
        raise ValueError(f"No rounding is known for {name!r}. Known: {', '.join(UNITS)}.")
    if 0 < loops < 1 and name in SUMS:
        return _mixed([rounding_noise(problem, name, draws, seed, anchors, share) for share in (0.0, 1.0)], loops)
    problem = problem.float64
    # A coarse dtype is drawn at its own u: there, rounding is no longer small and its effect not in proportion.
    at = Precision.of(name, loops > 0, DRAWN_UNIT)
    scale = at.own / at.u
    values = on_branch(problem.equations, problem.environment, anchors or {})
    known = {**problem.environment, **values}
    local = {e.node: e.operation.rounding(known[e.node], *_operands(e, known), at=at) for e in problem.equations}
    variance = _carried(problem.equations, known, {**known, **(anchors or {})}, local, at.eta, draws, seed)
    bound = {node: rounding.bound for node, rounding in local.items()}
    if name in SUMS:
        stored = 0.0 if at.sums < at.u else math.sqrt(3) * at.eta * problem.batch  # one by one, every term is
        sums = [part for e in problem.equations for part in e.parts if _sums_batch(part.operation)]
        bound |= {e.node: bound[e.node] + stored + _alike(e, known, variance) for e in sums}
    return Noise(
        name,
        values,
        {node: scale * np.sqrt(v) for node, v in variance.items()},
        {node: scale * b for node, b in bound.items()},
        draws + 4,  # R, and Q and the partial sums of each product
        source="σ of the network",
        kind=Kind.NETWORK,
        loops=loops,
    )


def _mixed(noises: list[Noise], loops: float) -> Noise:
    """Of two sides, one with the first noise and one with the second: variances add up, each with its share."""
    first, second = noises

    def mean(a: Array | float, b: Array | float) -> Array:
        return np.asarray(np.sqrt((1 - loops) * np.square(a) + loops * np.square(b)))

    sigma = {n: mean(s, second.sigma[n]) for n, s in first.sigma.items()}
    bound = {n: mean(b, second.bound[n]) for n, b in first.bound.items()}
    evaluations = first.evaluations + second.evaluations
    return replace(first, sigma=sigma, bound=bound, evaluations=evaluations, loops=loops)


def drawn_again(noise: Noise, problem: Problem, draws: int) -> Noise:
    """A noise of the network by more draws; what its caller grants beside rounding stays granted."""
    again = rounding_noise(problem, noise.dtype, draws, loops=noise.loops)
    return replace(noise, sigma=again.sigma, evaluations=again.evaluations)


@np.errstate(over="ignore")  # of a rate such as 1e-320 nothing is known
def update_bound(before: Array, after: Array, learning_rate: float) -> Array:
    """What storing the weights hides of a gradient inferred from an update, (W_before − W_after)/lr.

    W_after is rounded to u |W_after|, and lr · dE/dW before it to as little again: the gradient cannot be known
    better than u (|W_before| + |W_after|)/lr. Weights that a model holds in float32 may have been float64 numbers.

    Args:
        before, after: the weights, one shape; their dtype says u.
        learning_rate: lr.

    Returns:
        The bound, of that shape.

    Example:
        >>> import numpy as np
        >>> float(update_bound(np.array([1.0]), np.array([1.0]), 0.5)[0]) == 4 * 2.0**-53
        True
    """
    last = UNITS[np.asarray(after).dtype.name]
    first = max(last, UNITS.get(np.asarray(before).dtype.name, 0.0))
    return np.asarray(
        (first * np.abs(before.astype(np.float64)) + last * np.abs(after.astype(np.float64))) / learning_rate
    )


def on_branch(
    equations: tuple[Equation, ...],
    environment: Mapping[str, Array],
    anchors: Mapping[str, Array],
    disturb: Callable[[Equation, Array], None] | None = None,
) -> dict[str, Array]:
    """Run equations, taking every kink on the branch that `anchors` takes.

    Args:
        equations: in order.
        environment: name → array of data and parameters.
        anchors: name → array; where its u is above 0, so is the slope.
        disturb: may change each result in place.

    Returns:
        node → array.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> equations = MLP(1, [Dense(1, "relu", use_bias=False)]).forward_equations
        >>> data = {"x": np.array([[1.0]]), "dense_1/kernel": np.array([[1e-9]])}
        >>> on_branch(equations, data, {"dense_1/u": np.array([[-1e-9]])})["dense_1/z"]
        array([[0.]])
    """
    values, nodes = dict(environment), {}
    known = {**environment, **anchors}
    for equation in equations:
        own = tuple(values[o] for o in equation.operands)
        result = equation.operation.frozen(own, tuple(known.get(o, values[o]) for o in equation.operands))
        if disturb is not None:
            disturb(equation, result)
        nodes[equation.node] = values[equation.node] = result
    return nodes


@np.errstate(over="ignore", invalid="ignore")  # where values overflow, σ is ∞ or NaN, and nothing is judged by it
def local_distance(
    equation: Equation, environment: Mapping[str, Array], result: Array, dtype: str, loops: bool = False
) -> Array:
    """How far a node is from its own equation on its own operands, in units of that operation's local rounding alone.

    This needs no network: it judges one equation by itself, and has no kinks.

    Args:
        equation: of the node.
        environment: name → array of its operands, as the side that is judged computed them.
        result: the node, as that side computed it.
        dtype: of that side.
        loops: whether it may have added a product one by one in 16 bits.

    Returns:
        Per entry, in units of ℓ; above 16 rounding does not explain it. NaN where float64 overflows on these operands.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> equation = MLP(1, [Dense(1, use_bias=False)]).forward_equations[0]
        >>> operands = {"x": np.array([[2.0]]), "dense_1/kernel": np.array([[3.0]])}
        >>> local_distance(equation, operands, np.array([[6.0]]), "float32")
        array([[0.]])
    """
    operands = [_as_float64(a) for a in _operands(equation, environment)]
    exact = equation.operation.evaluate(*operands)
    rounding = equation.operation.rounding(exact, *operands, at=Precision.of(dtype, loops))
    stored = (
        UNITS[dtype] / np.sqrt(3) * np.abs(exact)
    )  # even an exact operation's result may have been stored once more
    sigma = np.sqrt(rounding.variance + np.square(stored) + np.square(LOST[dtype]) * rounding.lost_variance)
    noise = Noise(dtype, {}, {equation.node: sigma}, {equation.node: rounding.bound}, 1)
    distance = noise.distance(equation.node, result.astype(np.float64) - exact, sides=1)
    return np.where(np.isfinite(exact) & np.isfinite(sigma), distance, np.nan)


def _as_float64(a: Array) -> Array:
    return a if a.dtype.kind in "iu" else a.astype(np.float64)


def _operands(equation: Equation, known: Mapping[str, Array]) -> tuple[Array, ...]:
    return tuple(known[o] for o in equation.operands)


def _carried(
    equations: tuple[Equation, ...],
    known: dict[str, Array],
    anchors: Mapping[str, Array],
    local: Mapping[str, Local],
    eta: float,
    draws: int,
    seed: int,
) -> dict[str, Array]:
    """node → variance, from perturbed runs."""
    read = {operand for e in equations for operand in e.operands}
    leaves = {e.node for e in equations} - read
    rng = np.random.default_rng(seed)
    total = {e.node: np.zeros(known[e.node].shape) for e in equations}

    def disturb(equation: Equation, result: Array) -> None:
        if equation.node not in leaves:
            local[equation.node].add_draw(result, rng, eta)

    for _ in range(draws):
        run = on_branch(equations, known, anchors, disturb)
        for node, array in run.items():
            total[node] += np.square(array - known[node])
    pooled = {node: _pooled(v / draws) for node, v in total.items()}
    own = {n: local[n].variance + eta * eta * local[n].lost_variance if n in leaves else eta * eta for n in pooled}
    return {n: v + own[n] for n, v in pooled.items()}


def _sums_batch(operation: Operation) -> bool:
    return isinstance(operation, SumOverBatch) or (isinstance(operation, Product) and operation.transpose_left)


def _alike(equation: Equation, known: Mapping[str, Array], variance: Mapping[str, Array]) -> Array:
    """What like samples repeat of their operands' errors along the batch, beyond 16 σ: √3 (|z|ᵀ σ_δ + σ_zᵀ |δ|).

    In float32 the worst case of the sum, u N times its partial sums, covers it. In 16 bits that of a sum in a finer
    dtype does not, nor any where what is lost close to 0 counts. √3: a rounding is uniform, and at most so many σ.
    """
    sizes = [np.abs(known[o]) for o in equation.operands[:2]]
    errors = [np.sqrt(variance[o]) if o in variance else np.zeros(known[o].shape) for o in equation.operands[:2]]
    if isinstance(equation.operation, SumOverBatch):
        repeated = rows(errors[0]).sum(axis=0)
    else:
        (left, right), (off_left, off_right) = map(rows, sizes), map(rows, errors)
        repeated = left.T @ off_right + off_left.T @ right
    return np.asarray(np.maximum(np.sqrt(3) * repeated - GATE * np.sqrt(variance[equation.node]), 0.0))


def _pooled(variance: Array) -> Array:
    """Few draws scatter: each entry also gets what its row and its column show."""
    if variance.ndim < 2:
        return variance + 0.1 * variance.mean()
    mean = variance.mean()
    flat = rows(variance)  # of a sequence every timestep is a sample
    along, across = flat.mean(axis=1, keepdims=True), flat.mean(axis=0, keepdims=True)
    return variance + ((along * across).reshape(variance.shape) / mean if mean > 0 else 0.0)
