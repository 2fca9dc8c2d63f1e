"""Is σ right for every layer, activation and loss? Random networks over the whole vocabulary against the tape."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from experiments.benchmarks.calibration.vocabulary import both_sides
from experiments.frame.study import Mode, Part, Table, paragraphs
from gradient_diff import Noise, Status, compare, rounding_noise
from manual_mlp import Array, Evaluation
from manual_mlp.extend import GATE, Layer, is_gradient, layer_of

if TYPE_CHECKING:
    import pandas as pd

HARMLESS = {Status.MATCH, Status.KINK, Status.VACUOUS}
SLIP = 1.01  # what the largest entry of all gradients is multiplied by


@dataclass(frozen=True)
class Seen:
    """What one network shows of a layer, an activation or a loss; NaN where it shows nothing."""

    dtype: str
    kind: str
    name: str
    distance: float  # the largest, in σ
    visible: float  # the smallest relative change of a gradient that could be seen


@dataclass(frozen=True)
class Judged:
    """One network: what is shown, and whether the verdicts were right."""

    seed: int
    mode: Mode
    seen: tuple[Seen, ...]
    wrong: str  # a status of the right hand that accuses or doubts it, or ""
    missed: bool  # a wrong entry


def judged(seed: int, mode: Mode | None = None) -> Judged:
    """One network of the vocabulary, right and with one entry off by 1 %, in a mode of TensorFlow's or in its own."""
    dtype, mode = "float32" if seed % 3 else "float64", mode or mode_of(seed)
    hand, tape = both_sides(seed, dtype, mode)
    diff = compare(hand, tape)
    distances: dict[str, float] = {}
    for row in (r for r in diff if r.status is Status.MATCH):  # a choice at a kink is no rounding
        place = row.layer or ""
        distances[place] = max(distances.get(place, 0.0), row.distance or 0.0)
    wrong = ", ".join(sorted({row.status.name for row in diff if row.status not in HARMLESS}))
    missed = compare(_with_a_slip(hand), tape).ok
    return Judged(seed, mode, tuple(_seen(dtype, hand, distances)), wrong, missed)


def mode_of(seed: int) -> Mode:
    """Every tenth network by XLA, every fifth as a graph."""
    return "xla" if seed % 10 == 9 else "graph" if seed % 5 == 1 else "eager"


def _with_a_slip(hand: Evaluation) -> dict[str, Array]:
    wrong = {n: a.copy() for n, a in hand.gradients.items()}
    worst = max(wrong.values(), key=lambda a: float(np.abs(a).max()))
    worst[np.unravel_index(np.abs(worst).argmax(), worst.shape)] *= SLIP
    return wrong


def _seen(dtype: str, hand: Evaluation, distances: dict[str, float]) -> Iterator[Seen]:
    problem = hand.problem
    assert problem is not None
    noise = rounding_noise(problem)
    visible = {str(layer.name): _visible(noise, str(layer.name)) for layer in problem.mlp.layers}
    for layer in problem.mlp.layers:
        measured = distances.get(str(layer.name), 0.0), visible[str(layer.name)]
        yield Seen(dtype, "layer", type(layer).__name__, *measured)
        if (head := _head(layer)) is not None:
            yield Seen(dtype, "activation", head, *measured)
    sharpest = [v for v in visible.values() if np.isfinite(v)]
    yield Seen(dtype, "loss", problem.loss.name, max(distances.values(), default=0.0), min(sharpest, default=np.nan))


def _head(layer: Layer) -> str | None:
    """The activation's name without its arguments."""
    return None if layer.head is None else str(layer.head).split("(")[0]


def _visible(noise: Noise, layer: str) -> float:
    """|change / value| of the entry where least is needed, over the gradients of a layer that are not lost."""
    found = []
    for node, value in noise.values.items():
        limit, truth = noise.tolerance(node), np.abs(value)
        if layer_of(node) == layer and is_gradient(node) and (truth > limit).any():
            found.append(float((limit[truth > limit] / truth[truth > limit]).min()))
    return min(found, default=float("nan"))


def part(found: Iterable[Judged]) -> Part:
    """The two tables, and what is asked of them."""
    import pandas as pd

    networks = list(found)
    seen = pd.DataFrame([s for network in networks for s in network.seen])
    wrong = [network for network in networks if network.wrong or network.missed]
    frame = pd.DataFrame(
        [(n.seed, n.mode, n.wrong, n.missed) for n in wrong], columns=["seed", "mode", "said", "missed"]
    )
    peak = float(seen["distance"].max())
    return Part(
        "The whole vocabulary",
        paragraphs(f"""
            {len(networks)} random correct networks of every layer, activation and loss that has equations, in training
            and in inference, every node against the tape, eagerly, as a graph and by XLA. 'largest' is the largest
            distance in σ of any node of such a layer; what can be seen is the smallest relative change of an entry of
            its gradients that is beyond {GATE:g} σ. For a loss both are those of the whole network.

            Each was judged a second time with the largest entry of its gradients off by {SLIP - 1:.0%}.
        """),
        tables={"Sigma by vocabulary": Table(_by_name(seen)), "Wrong verdicts": Table(frame)},
        claims={
            "no verdict on a right derivation of the vocabulary is wrong": not any(n.wrong for n in networks),
            f"no entry that is off by {SLIP - 1:.0%} passes": not any(n.missed for n in networks),
            f"no node of the vocabulary is further off than {GATE:g} σ": peak <= GATE,
        },
    )


def _by_name(seen: pd.DataFrame) -> pd.DataFrame:
    import pandas as pd

    groups = seen.groupby(["dtype", "kind", "name"])
    visible = groups["visible"]
    columns = {
        "times": groups.size(),
        "largest": groups["distance"].max().round(3),
        "smallest visible change, median": visible.quantile(0.5),
        "smallest visible change, 95 %": visible.quantile(0.95),
    }
    return pd.DataFrame(columns).reset_index()
