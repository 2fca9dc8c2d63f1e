"""Is σ right? Observed rounding over predicted σ, on random correct networks, for everyone who computes gradients."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Literal

import numpy as np

from experiments.benchmarks.calibration import vocabulary_part
from experiments.benchmarks.calibration.random_nets import RandomNet, random_net
from experiments.frame.kept import Kept
from experiments.frame.study import Part, Picture, Result, Settings, Table, paragraphs
from experiments.frame.sweep import sweep
from experiments.students.student import student_nodes
from experiments.support.drawing import panels
from gradient_diff import Noise, rounding_noise
from gradient_diff.extend import MORE_DRAWS, kink_positions, local_distance
from manual_mlp import Array, Dense, Evaluation, Problem, evaluation_of
from manual_mlp.extend import GATE, SUMS, UNITS, is_gradient, kind_of, layer_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure
    from rich.progress import Progress


NETS, NETS_FULL = 40, 2100
VARIED, VARIED_FULL = 20, 500  # with dropout, decay and activations as layers
HALVES, HALVES_FULL = 12, 400  # of 16 bits alone, which the others seldom are
WORDED, WORDED_FULL = 40, 6000  # over the whole vocabulary
SHARP = 6.0  # times the real error: a σ above it, at the median of a dtype, is blind
DTYPES = ("float32",) * 14 + ("float64",) * 4 + ("float16", "bfloat16")
MOST_PRODUCTS = {"float32": 4e7, "float64": 2e7, "float16": 2e6, "bfloat16": 2e6}
LOOPING = ("student",)  # who adds products in the dtype itself
MOST_STUDENT_PRODUCTS = 2e6  # a student goes sample by sample
OBSERVED = "Observed rounding in sigma"
MEDIAN = "σ / real rms, median"
LIMIT = 12.0  # a kind of node above it has a wrong local term


def run(settings: Settings, progress: Progress) -> Result:
    """Draw nets, let everyone compute their gradients, and hold what they find against σ."""
    import pandas as pd

    plain, varied, halves = (NETS_FULL, VARIED_FULL, HALVES_FULL) if settings.full else (NETS, VARIED, HALVES)
    count, worded = plain + varied + halves, WORDED_FULL if settings.full else WORDED
    task = progress.add_task("random nets", total=count + worded)
    nets = []
    for i in range(count):
        seed = settings.seed + i
        dtype = DTYPES[seed % len(DTYPES)] if i < plain + varied else DTYPES[-1 - i % 2]
        nets.append((seed, dtype, plain <= i < plain + varied))
    advance = partial(progress.advance, task)
    kept = Kept.of(settings)
    found = sweep(_calibrated, nets, settings.jobs, advance, kept=kept)
    samples = pd.DataFrame([sample for own, _ in found for sample in own])
    sharpness = pd.DataFrame([kernel for _, own in found for kernel in own])
    seeds = range(settings.seed, settings.seed + worded)
    judged = sweep(vocabulary_part.judged, seeds, settings.jobs, advance, kept=kept)
    return Result("Noise calibration", (_part(count, samples, sharpness), vocabulary_part.part(judged)))


def _calibrated(net: tuple[int, str, bool]) -> tuple[list[Sample], list[Sharpness]]:
    """Of one net, by its seed, dtype, and whether it is a varied one."""
    seed, dtype, varied = net
    sharpness: list[Sharpness] = []
    with np.errstate(all="ignore"):
        return list(calibrate(random_net(seed, dtype, MOST_PRODUCTS[dtype], varied), sharpness)), sharpness


@dataclass(frozen=True)
class Sample:
    """The largest observed rounding of one node of one net, in σ."""

    seed: int
    dtype: str
    source: str
    kind: str
    distance: float
    words: str


@dataclass(frozen=True)
class Sharpness:
    """How much wider σ is than the tape's real rounding in one kernel, and the smallest visible relative change."""

    dtype: str
    ratio: float
    visible: float
    vacuous: bool


def calibrate(net: RandomNet, sharpness: list[Sharpness]) -> Iterator[Sample]:
    """Samples of every source for one net; the tape's kernels also go into `sharpness`."""
    tape = _tape(net)
    problem = net.problem if tape is None else replace(net.problem, draws=tape.problem.draws)
    plain = {loops: rounding_noise(problem, loops=loops) for loops in (0.0, 1.0)}
    for source, computed, run in _sources(problem, net.seed, tape):
        nodes = {n: np.asarray(a, np.float64) for n, a in computed.items() if np.isfinite(np.asarray(a, float)).all()}
        noise = _on_its_branch(problem, plain[float(source in LOOPING)], nodes)
        for node, array in nodes.items():
            distance = float(noise.distance(node, array - noise.values[node], sides=1).max())
            if distance > LIMIT:  # a close call is drawn again, as the verdict does
                more = rounding_noise(problem, draws=MORE_DRAWS, anchors=nodes, loops=noise.loops)
                distance = float(more.distance(node, array - more.values[node], sides=1).max())
                if distance > LIMIT and _undecided(problem, more, nodes):
                    continue
            yield Sample(net.seed, problem.dtype.name, source, kind_of(node), distance, net.words)
            if source.startswith("tape") and is_gradient(node, "kernel"):
                sharpness.append(_sharpness(noise, node, array))
        if run is not None:
            isolated = list(_isolated(net, source, run))
            clipped = any(s.distance > LIMIT for s in isolated) and _undecided(problem, noise, nodes)
            yield from (s for s in isolated if not clipped or s.distance <= LIMIT)


def _tape(net: RandomNet) -> Evaluation | None:
    """What Keras computes, and draws; None where it would compute another E."""
    from keras_mlp import backpropagate, to_keras

    problem = net.problem
    if not _same_in_keras(problem):
        return None
    model = to_keras(problem.mlp, problem.parameters, problem.dtype.name)
    return backpropagate(model, problem.x, problem.y, problem.loss, _mode(net.seed))


def _mode(seed: int) -> Literal["eager", "graph", "xla"]:
    return "xla" if seed % 10 == 0 else "graph" if seed % 5 == 1 else "eager"


def _sources(
    problem: Problem, seed: int, tape: Evaluation | None
) -> Iterator[tuple[str, dict[str, Array], Evaluation | None]]:
    """(who, node → array, the whole run where its equations can be judged one by one)."""
    dtype = problem.dtype.name
    if tape is not None:
        mode = _mode(seed)
        yield f"tape {mode}", tape.nodes, tape if mode == "eager" else None
    if dtype == "bfloat16":  # NumPy has no arithmetic for it
        return
    if dtype != "float64":  # in float64 it is the very computation that the others are measured from
        hand = evaluation_of(problem)
        yield "NumPy", hand.nodes, hand
    yield "permuted", _permuted(problem, seed), None
    plain = all(isinstance(layer, Dense) and not layer.kernel_l2 for layer in problem.mlp.layers)
    if plain and problem.batch * sum(a.size for a in problem.parameters.values()) < MOST_STUDENT_PRODUCTS:
        yield "student", student_nodes(problem), None


def _same_in_keras(problem: Problem) -> bool:
    """Keras takes the logits below any softmax or sigmoid for a cross-entropy's own: that is another E."""
    output = next(layer for layer in reversed(problem.mlp.layers) if not layer.transparent)
    saturating = getattr(output, "activation", "") in ("softmax", "sigmoid")
    return problem.fused or not saturating or problem.loss.function.logits is None


def _permuted(problem: Problem, seed: int) -> dict[str, Array]:
    """The derivation with samples and hidden units in another order: another order of every sum."""
    rng, mlp = np.random.default_rng(seed), problem.mlp
    samples = rng.permutation(problem.batch)
    dense = [layer for layer in mlp.layers if isinstance(layer, Dense)]
    widths = [*mlp.input_shape, *(layer.units for layer in dense)]
    orders = [rng.permutation(n) for n in widths[:-1]] + [np.arange(widths[-1])]
    of = dict(zip((str(layer.name) for layer in dense), orders[1:], strict=True))
    below, order = {}, orders[0]
    for layer in mlp.layers:
        below[str(layer.name)] = order
        order = of.setdefault(str(layer.name), order)
    parameters, draws = dict(problem.parameters), {}
    for name in (str(layer.name) for layer in dense):
        parameters[f"{name}/kernel"] = parameters[f"{name}/kernel"][np.ix_(below[name], of[name])]
        parameters[f"{name}/bias"] = parameters[f"{name}/bias"][of[name]]
    for name, mask in problem.draws.items():
        draws[name] = mask[np.ix_(samples, of[layer_of(name)])]
    x, y = problem.x[np.ix_(samples, orders[0])], problem.y[samples]
    nodes = evaluation_of(replace(problem, parameters=parameters, x=x, y=y, draws=draws)).nodes
    return _put_back(nodes, samples, below, of)


def _put_back(
    nodes: dict[str, Array], samples: Array, below: dict[str, Array], of: dict[str, Array]
) -> dict[str, Array]:
    """The arrays of permuted samples and units, in the old order."""
    result = {}
    for node, array in nodes.items():
        name, kind = layer_of(node), kind_of(node)
        if kind in ("u", "z"):
            result[node] = array[np.ix_(np.argsort(samples), np.argsort(of[name]))]
        elif kind == "dE_dkernel":
            result[node] = array[np.ix_(np.argsort(below[name]), np.argsort(of[name]))]
        elif kind == "dE_dbias":
            result[node] = array[np.argsort(of[name])]
    return result


def _on_its_branch(problem: Problem, plain: Noise, nodes: dict[str, Array]) -> Noise:
    """σ along the branches that this source took at kinks; a kink is no rounding error."""
    deciding = [(node, edge) for node, edge, _ in kink_positions(problem, plain.values) if node in nodes]
    moved = any(((nodes[n] > edge) != (plain.values[n] > edge)).any() for n, edge in deciding)
    normalised = problem.loss.name == "categorical_crossentropy" and deciding  # there p/Σp decides, not p
    if not moved and not normalised:
        return plain
    return rounding_noise(problem, anchors={n: nodes[n] for n, _ in deciding}, loops=plain.loops)


def _undecided(problem: Problem, noise: Noise, nodes: dict[str, Array]) -> bool:
    """A u within its rounding of 0: a graph fuses what follows, and takes the branch of a u that it does not show.

    And a p as close to a clip as that itself is stored: 1 − ε is 1 in 16 bits.
    """
    u = UNITS[problem.dtype.name]
    deciding = [(n, edge) for n, edge, _ in kink_positions(problem, noise.values) if n in nodes]
    fused = problem.dtype.name in SUMS  # with the bias added before it is stored, in more bits than are shown
    near = {n: noise.sigma[n] if fused else 0.0 for n, edge in deciding if edge == 0}
    at_0 = any(((np.abs(nodes[n]) <= width) & (noise.values[n] != 0)).any() for n, width in near.items())
    return at_0 or any((edge != 0) & (np.abs(nodes[n] - edge) <= u * edge).any() for n, edge in deciding)


def _isolated(net: RandomNet, source: str, run: Evaluation) -> Iterator[Sample]:
    """Each equation on this source's own operands, against the rounding of its own operation."""
    environment = {**run.problem.environment, **run.nodes}
    for equation in run.problem.equations:
        arrays = [environment.get(o) for o in (*equation.operands, equation.node)]
        if any(a is None or not np.isfinite(np.asarray(a, np.float64)).all() for a in arrays):
            continue
        distance = local_distance(equation, environment, run.nodes[equation.node], net.problem.dtype.name).max()
        kind = kind_of(equation.node)
        yield Sample(net.seed, net.problem.dtype.name, f"{source}, isolated", kind, float(distance), net.words)


def _sharpness(noise: Noise, node: str, array: Array) -> Sharpness:
    truth, limit = np.abs(noise.values[node]), noise.tolerance(node)
    rms = float(np.sqrt(np.mean(np.square(array - noise.values[node]))))
    sigma = float(np.sqrt(np.mean(np.square(noise.sigma[node]))))
    relative = np.divide(limit, truth, out=np.full(truth.shape, np.inf), where=truth > 0)
    return Sharpness(noise.dtype, sigma / rms if rms else np.nan, float(relative.min()), bool((truth <= limit).all()))


def _part(count: int, samples: pd.DataFrame, sharpness: pd.DataFrame) -> Part:
    worst = _worst(samples)
    sharp = _sharp(sharpness)
    peak = float(samples["distance"].max())
    text = paragraphs(f"""
        {count} random correct networks, {len(samples):,} nodes. Each number is |computed − float64 derivation|, the
        bound for repeated errors taken off, divided by the σ predicted for that entry; the largest entry counts.

        The gate is {GATE:g} σ. A kind of node above {LIMIT:g} would mean that its local term is wrong. Largest seen:
        {peak:.1f}.

        'permuted' sums in another order; 'student' is an independent derivation, sample by sample; 'isolated' judges
        each equation on the source's own operands.
    """)
    tables = {
        OBSERVED: Table(worst),
        "Sharpness of sigma": Table(sharp),
        "The ten largest": Table(samples.nlargest(10, "distance")),
    }
    claims = {
        f"no kind of node exceeds {LIMIT:g} σ": bool(peak <= LIMIT),
        f"in every dtype σ is at most {SHARP:g} times the real error, at the median": bool(
            sharp[MEDIAN].max() <= SHARP
        ),
    }
    pictures = {"Observed difference over predicted sigma": Picture((OBSERVED,), draw_distances)}
    return Part("Is σ right?", text, tables, claims=claims, pictures=pictures)


def _worst(samples: pd.DataFrame) -> pd.DataFrame:
    groups = samples.groupby(["dtype", "source", "kind"])["distance"]
    named = {"median": groups.quantile(0.5), "99 %": groups.quantile(0.99), "99.9 %": groups.quantile(0.999)}
    import pandas as pd

    return pd.DataFrame({"nodes": groups.size(), **named, "largest": groups.max()}).round(3).reset_index()


def _sharp(sharpness: pd.DataFrame) -> pd.DataFrame:
    """Per dtype: σ over the real rms error, and the smallest visible relative change where the gradient is not lost."""
    import pandas as pd

    rows = []
    for dtype, group in sharpness.groupby("dtype"):
        seen = group[~group["vacuous"]]
        ratio, visible = seen["ratio"].dropna(), seen["visible"]
        rows.append(
            {
                "dtype": dtype,
                "kernels": len(group),
                "vacuous": int(group["vacuous"].sum()),
                MEDIAN: ratio.quantile(0.5),
                "σ / real rms, 90 %": ratio.quantile(0.9),
                "smallest visible change, median": visible.quantile(0.5),
                "smallest visible change, 95 %": visible.quantile(0.95),
            }
        )
    return pd.DataFrame(rows)


def draw_distances(table: pd.DataFrame) -> Figure:
    """Median to 99.9 % as a bar, the largest as a point, for each kind of node and source; the gate as a line."""
    table = table[table["dtype"] == "float32"]
    kinds, sources = list(dict.fromkeys(table["kind"])), list(dict.fromkeys(table["source"]))
    figure, (axes,) = panels(10, 6, boxed=True)
    for i, source in enumerate(sources):
        rows = table[table["source"] == source].set_index("kind")
        places = [kinds.index(kind) + (i - len(sources) / 2) * 0.8 / len(sources) for kind in rows.index]
        low, high = rows["median"].clip(lower=0.02), rows["99.9 %"].clip(lower=0.02)
        lines = axes.vlines(places, low, high, linewidth=3, color=f"C{i}", alpha=0.6)
        axes.plot(places, rows["largest"].clip(lower=0.02), "o", color=f"C{i}", markersize=4, label=source)
        lines.set_capstyle("round")
    axes.axhline(GATE, color="black", linewidth=1)
    axes.text(len(kinds) - 0.6, GATE * 1.08, f"gate {GATE:g} σ", ha="right")
    axes.set(yscale="log", ylim=(0.02, 40), ylabel="observed |difference| / σ (float32)", xticks=range(len(kinds)))
    axes.set_xticklabels(kinds)
    axes.set_title("Observed rounding over predicted σ: median to 99.9 % (bar), largest (point)")
    axes.legend(ncols=2, fontsize=8, loc="lower left")
    return figure
