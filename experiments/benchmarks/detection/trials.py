"""One trial of `detection`: a pair of gradients shown to every tool, and how large the mistake in it really is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from experiments.benchmarks.detection.cases import DrawnNet, Fault, correct, mistakes, scale_right
from experiments.benchmarks.detection.peers.energy import Energy
from experiments.benchmarks.detection.peers.peer import Check, HandAndTape, accepts
from experiments.benchmarks.detection.peers.table import PEERS
from experiments.benchmarks.detection.sizes import size_of
from experiments.benchmarks.naming.trials import named_first
from gradient_diff import compare
from manual_mlp import Evaluation

US = "gradient-diff compare"


@dataclass(frozen=True)
class Asked:
    """One pair, and what everyone said of it."""

    what: str  # "mistake", "scaled" or "correct"
    id: str  # of the mistake, what was scaled, or who derived it
    words: str  # the same in full
    number: int  # number, dtype, scale, square, one_sample, saturated: the network
    dtype: str
    scale: float
    square: bool
    one_sample: bool
    saturated: bool
    epsilon: float = 0.0  # see `Fault`
    sigma: float = 0.0  # the largest exact effect on any entry, in σ; inf where a shape is wrong
    relative: float = 0.0  # ‖exact effect‖ / ‖gradient‖ over all parameters
    rounding: float = 0.0  # the largest exact effect over the largest rounding that happened, in that tensor
    verdict: str = ""  # ours
    unproved: bool = False  # we neither say that it is right nor that it is wrong
    first: bool = False  # first, named: the mistake is named first or tied; it is among the causes
    named: bool = False
    said: str = ""  # what we named first
    # tool → whether it refused the pair; a tool that was not asked is not there
    refused: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Tools:
    """The peers that are installed."""

    checks: Mapping[str, Check]  # name → check
    absent: Mapping[str, str]  # name → what is missing

    @classmethod
    def installed(cls) -> Tools:
        """Import every peer that can be imported."""
        checks, absent = {}, {}
        for peer in PEERS:
            try:
                checks[peer.name] = peer.load()
            except ImportError as error:
                absent[peer.name] = error.name or str(error)
        return cls(checks, absent)

    def refused(self, question: HandAndTape, slow: bool) -> dict[str, bool]:
        """Tool → whether it refuses the gradient."""
        asked = [p.name for p in PEERS if p.name in self.checks and (slow or p.looks_at == "arrays")]
        return {name: not accepts(self.checks[name], question) for name in asked}


def trials_of_mistakes(setting: DrawnNet, tools: Tools, slow: Callable[[int], bool]) -> Iterator[Asked]:
    """Every mistake that a network allows, shown to everyone."""
    energies: dict[float, Energy] = {}
    for i, fault in enumerate(mistakes(setting)):
        energy = energies.setdefault(fault.decay, Energy(setting.problem, fault.decay))
        yield _of_fault("mistake", setting, fault, energy, tools, slow(i))


def trials_of_scaling(setting: DrawnNet, tools: Tools, slow: bool) -> Iterator[Asked]:
    """Right gradients with a part of them multiplied by 1 + ε, shown to everyone."""
    energy = Energy(setting.problem)
    for fault in scale_right(setting):
        yield _of_fault("scaled", setting, fault, energy, tools, slow)


def trials_of_correct(setting: DrawnNet, tools: Tools, slow: bool) -> Iterator[Asked]:
    """Right gradients, shown to everyone."""
    energy = Energy(setting.problem)
    for who, hand in correct(setting):
        diff = compare(hand, setting.tape)
        gradients = hand.gradients if isinstance(hand, Evaluation) else hand
        refused = tools.refused(HandAndTape(gradients, setting.tape.gradients, energy), slow)
        said = ", ".join(f"{row.name}: {row.reason}" for row in diff.rows if row.status.bad)
        yield Asked(
            "correct",
            who,
            who,
            *_network(setting),
            verdict=diff.verdict.name,
            unproved=not diff.ok and not diff.verdict.bad,
            said=said or (diff.causes[0].id if diff.causes else ""),
            refused={US: diff.verdict.bad, **refused},
        )


def _of_fault(what: str, setting: DrawnNet, fault: Fault, energy: Energy, tools: Tools, slow: bool) -> Asked:
    reference = setting.reference(fault.decay)
    # A layout is undone and told: one bias row of one sample, a kernel alone among vectors. Then it is no mistake.
    layout = "as given" if fault.id == "convention_transposed" or fault.effect is None else None
    diff = compare(fault.hand, reference, layout=layout)
    ids = [cause.id for cause in diff.causes]
    sigma, relative, rounding = size_of(fault.effect, setting)
    return Asked(
        what,
        fault.id,
        fault.words,
        *_network(setting),
        fault.epsilon,
        sigma,
        relative,
        rounding,
        diff.verdict.name,
        not diff.ok and not diff.verdict.bad,
        fault.id in named_first(diff.causes),
        fault.id in ids or fault.id in named_first(diff.causes),
        ids[0] if ids else "nothing",
        {
            US: not diff.ok if what == "mistake" else diff.verdict.bad,
            **tools.refused(HandAndTape(fault.hand, reference.gradients, energy), slow),
        },
    )


def _network(setting: DrawnNet) -> tuple[int, str, float, bool, bool, bool]:
    problem, kind = setting.problem, setting.kind
    dtype, scale = problem.dtype.name, problem.loss.scale
    return setting.number, dtype, scale, kind.square, kind.one_sample, kind.saturated
