"""Article C's perceptrons: gates with a step, a half adder, and XOR learned by both twins, or not learned at all."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from experiments.article_c_gates.gates import INPUTS, gates_part, sigmoid_part
from experiments.article_c_gates.pictures import surfaces
from experiments.article_c_gates.tape_descent import train_by_tape
from experiments.frame.study import Comparison, Part, Picture, Result, Settings, Table, paragraphs
from experiments.support.watched_training import Task, Training, train_watched
from manual_mlp import MLP, Array, Dense, train

if TYPE_CHECKING:
    from rich.progress import Progress

XOR = np.array([[0.0], [1.0], [1.0], [0.0]])
LOSS, RATE = "binary_crossentropy", 5.0
STEPS, MANY_STEPS = 400, 10_000
SEEDS = 100
INITIAL = "normal(1)"
NETS = {"2-1": (), "2-2-1": (2,), "2-4-1": (4,)}
HIDDEN = ("2-2-1", "2-4-1")
TRAINED = [
    "network",
    "seed",
    "steps",
    "E by hand",
    "E by the tape",
    "right by hand",
    "right by the tape",
    "weights apart, relative",
]
REPRODUCIBLE = ("network", "seed", "steps", "right by hand", "right by the tape")
TITLES = {"2_2_1_learned": "2-2-1, learned", "2_2_1_stuck": "2-2-1, stuck", "2_4_1": "2-4-1, learned"}
SURFACES = "The output over the plane: blue 0, red 1"


def run(settings: Settings, progress: Progress, seeds: int = SEEDS) -> Result:
    """The study."""
    steps = settings.epochs or (MANY_STEPS if settings.full else STEPS)
    runs = {net: Seeds(net, steps, seeds, settings, progress) for net in NETS}
    shown = {"2_2_1_learned": runs["2-2-1"].learned, "2_2_1_stuck": runs["2-2-1"].stuck, "2_4_1": runs["2-4-1"].learned}
    present = {name: run for name, run in shown.items() if run is not None}
    picture = Picture(tuple(present), partial(surfaces, titles=[TITLES[name] for name in present]))
    learned = {net: runs[net].watch(progress) for net in HIDDEN if runs[net].learned is not None}
    parts = (
        gates_part(settings),
        sigmoid_part(settings),
        learned_part(learned, runs, picture, settings),
        stuck_part(runs, steps, settings.epochs is not None),
    )
    return Result("Article C: gates, and what a hidden layer is for", parts, {}, present)


def xor_network(net: str) -> MLP:
    """2-1, 2-2-1 or 2-4-1, with the sigmoid everywhere."""
    return MLP(2, [*(Dense(n, "sigmoid") for n in NETS[net]), Dense(1, "sigmoid")])


class Seeds:
    """One network, trained on XOR from many seeds."""

    def __init__(self, net: str, steps: int, count: int, settings: Settings, progress: Progress) -> None:
        self.net, self.steps, self.settings, self.mlp = net, steps, settings, xor_network(net)
        self.x, self.y = INPUTS.astype(settings.dtype), XOR.astype(settings.dtype)
        self.seeds = range(settings.seed, settings.seed + count)
        self.trained = [self._from(seed) for seed in progress.track(self.seeds, description=f"logic_gates: {net}")]
        outputs = [self.mlp.predict(w, self.x) for w in self.trained]
        self.right = [int((z.round() == self.y).sum()) for z in outputs]

    @property
    def learned(self) -> dict[str, Array] | None:
        """The first that gives all four."""
        return next((w for w, right in zip(self.trained, self.right, strict=True) if right == 4), None)

    @property
    def stuck(self) -> dict[str, Array] | None:
        """The first that does not."""
        return next((w for w, right in zip(self.trained, self.right, strict=True) if right < 4), None)

    def start(self, seed: int) -> dict[str, Array]:
        """The weights that a training starts from."""
        return self.mlp.initialize(seed, INITIAL, INITIAL, self.settings.dtype)

    def _from(self, seed: int) -> dict[str, Array]:
        how = {"learning_rate": RATE, "epochs": self.steps, "record_every": self.steps}
        return train(self.mlp, self.start(seed), self.x, self.y, LOSS, **how)[0]  # type: ignore[arg-type]  # numbers

    @property
    def first_learned(self) -> int:
        """The seed of `learned`."""
        return self.seeds[self.right.index(4)]

    def watch(self, progress: Progress) -> Training:
        """The training of `learned` once more, with the tape looking on."""
        task = Task(self.mlp, self.x, self.y, LOSS, RATE, self.steps)
        return train_watched(
            task, self.start(self.first_learned), self.settings, progress, f"logic_gates: {self.net} again"
        )


def learned_part(
    learned: Mapping[str, Training], runs: Mapping[str, Seeds], picture: Picture, settings: Settings
) -> Part:
    """XOR by a hidden layer of 2 and of 4, by both twins from the same weights."""
    rows = [_train_both(runs[net], training) for net, training in learned.items()]
    frame = pd.DataFrame(rows, columns=TRAINED)
    return Part(
        "XOR, learned by both twins",
        paragraphs(f"""
            XOR is 1 where exactly one input is. No line parts these points from the others, so a single unit cannot
            compute it: u ≤ 0 at 00 says b ≤ 0, u > 0 at 01 and 10 says w₁ + b > 0 and w₂ + b > 0, and added up w₁ +
            w₂ + b > −b ≥ 0, so that 11 gives 1, too.

            With a hidden layer it can. Both sides start from the same weights (the first seed that learns it) and
            descend by their own gradients: the NumPy side by the derivation, the Keras side by the tape. {LOSS},
            learning rate {RATE:g}, all four rows at once.
            {"" if learned else "In so few steps no network learns it from any of the seeds: there is nothing to show."}
        """),
        tables={
            **({"After the training": Table(frame, REPRODUCIBLE)} if learned else {}),
            **{f"Checks of the gradient, {net}": training.checks() for net, training in learned.items()},
        },
        comparisons={f"XOR, {net}, the last gradient": Comparison(t.last) for net, t in learned.items()},
        claims=_claims(learned, frame, settings.epochs is not None),
        pictures={SURFACES: picture},
    )


def _claims(learned: Mapping[str, Training], frame: pd.DataFrame, steps_given: bool) -> dict[str, bool]:
    """Of an empty table nothing is claimed, and of a training of any length only that the gradients agree."""
    claims = {} if steps_given else {"both hidden layers are learned from some seed": len(learned) == len(HIDDEN)}
    if learned and not steps_given:
        right = frame[["right by hand", "right by the tape"]]
        claims["both twins learn all four rows"] = bool((right == 4).all(axis=None))
    if learned:
        claims["the tape agrees whenever it looks"] = all(training.agreed for training in learned.values())
    return claims


def _train_both(run: Seeds, training: Training) -> tuple[object, ...]:
    start = training.course.kept[0]
    tape = train_by_tape(run.mlp, start, run.x, run.y, LOSS, RATE, run.steps)
    hand = training.course.parameters
    apart = max(float(np.abs(hand[n] - tape[n]).max() / np.abs(hand[n]).max()) for n in hand)
    e = {side: run.mlp.backpropagate(w, run.x, run.y, LOSS) for side, w in (("hand", hand), ("tape", tape))}
    z = {side: evaluation.nodes[f"{run.mlp.layers[-1].name}/z"] for side, evaluation in e.items()}
    losses = (e["hand"].loss, e["tape"].loss)
    right = (int((z[side].round() == run.y).sum()) for side in ("hand", "tape"))
    return (run.net, run.first_learned, run.steps, *losses, *right, apart)


def stuck_part(runs: Mapping[str, Seeds], steps: int, steps_given: bool = False) -> Part:
    """How often each network learns XOR."""
    rows = []
    for net, run in runs.items():
        counts = [run.right.count(k) for k in range(5)]
        rows.append((net, len(run.right), sum(counts[:3]), counts[3], counts[4]))
    columns = ["network", "seeds", "2 or fewer right", "3 right", "all 4 right"]
    frame = pd.DataFrame(rows, columns=columns).set_index("network", drop=False)
    learned = frame["all 4 right"]
    return Part(
        "How often it gets stuck",
        paragraphs(f"""
            The same network, trained for {steps:,} steps from {len(runs["2-2-1"].right)} seeds, weights and biases
            drawn from N(0, 1). The single unit never gets beyond three rows. With two hidden units gradient descent
            often ends where the gradient is nearly 0 and a row is wrong: a local minimum, or a plateau that it does
            not leave in this time. Two more hidden units, which the function does not need, make the way to it easier.
        """),
        tables={"Rows of XOR that are right after training": Table(frame, ("network", "seeds"))},
        claims={"a single unit never learns XOR": bool(learned["2-1"] == 0)}
        | (
            {} if steps_given else {"2-2-1 gets stuck more often than 2-4-1": bool(learned["2-2-1"] < learned["2-4-1"])}
        ),
    )
