"""One trial of `detection`: a pair of gradients shown to every tool, and how large the mistake in it really is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from experiments.benchmarks.detection.cases import Fault, Setting, correct, mistakes, scaled
from experiments.benchmarks.detection.peers.energy import Energy
from experiments.benchmarks.detection.peers.peer import Check, Question, accepts
from experiments.benchmarks.detection.peers.table import PEERS
from experiments.benchmarks.detection.sizes import size_of
from experiments.benchmarks.naming.trials import named_first
from gradient_diff import compare
from manual_mlp import Evaluation

US = "gradient-diff compare"


@dataclass(frozen=True)
class Trial:
    """One pair, and what everyone said of it.

    Attributes:
        what: "mistake", "scaled" or "correct".
        id: of the mistake, what was scaled, or who derived it.
        words: the same in full.
        number, dtype, scale, square, one_sample, saturated: the network.
        epsilon: see `Fault`.
        sigma: the largest exact effect on any entry, in σ; inf where a shape is wrong.
        relative: ‖exact effect‖ / ‖gradient‖ over all parameters.
        rounding: the largest exact effect over the largest rounding that happened, in that tensor.
        verdict: ours.
        first, named: the mistake is named first or tied; it is among the causes.
        said: what we named first.
        refused: tool → whether it refused the pair; a tool that was not asked is not there.
    """

    what: str
    id: str
    words: str
    number: int
    dtype: str
    scale: float
    square: bool
    one_sample: bool
    saturated: bool
    epsilon: float = 0.0
    sigma: float = 0.0
    relative: float = 0.0
    rounding: float = 0.0
    verdict: str = ""
    first: bool = False
    named: bool = False
    said: str = ""
    refused: Mapping[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Tools:
    """The peers that are installed.

    Attributes:
        checks: name → check.
        absent: name → what is missing.

    Example:
        >>> from experiments.benchmarks.detection.cases import Setting
        >>> from experiments.benchmarks.detection.nets import drawn
        >>> setting = Setting(4, drawn(4, "float64", 1.0))
        >>> twice = {name: 2 * gradient for name, gradient in setting.right.items()}
        >>> question = Question(twice, setting.right, Energy(setting.problem))
        >>> Tools({"np.allclose": PEERS[0].load()}, {}).refused(question, slow=False)
        {'np.allclose': True}
    """

    checks: Mapping[str, Check]
    absent: Mapping[str, str]

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

    def refused(self, question: Question, slow: bool) -> dict[str, bool]:
        """Tool → whether it refuses the gradient.

        Args:
            question: for all of them.
            slow: ask also those that differentiate E themselves.

        Returns:
            A dict without the tools that were not asked.
        """
        asked = [p.name for p in PEERS if p.name in self.checks and (slow or p.looks_at == "arrays")]
        return {name: not accepts(self.checks[name], question) for name in asked}


def trials_of_mistakes(setting: Setting, tools: Tools, slow: Callable[[int], bool]) -> Iterator[Trial]:
    """Every mistake that a network allows, shown to everyone.

    Args:
        setting: the network.
        tools: to show them to.
        slow: number of the mistake → whether tools that differentiate E are asked, too.

    Yields:
        Trials.
    """
    energies: dict[float, Energy] = {}
    for i, fault in enumerate(mistakes(setting)):
        energy = energies.setdefault(fault.decay, Energy(setting.problem, fault.decay))
        yield _of_fault("mistake", setting, fault, energy, tools, slow(i))


def trials_of_scaling(setting: Setting, tools: Tools, slow: bool) -> Iterator[Trial]:
    """Right gradients with a part of them multiplied by 1 + ε, shown to everyone."""
    energy = Energy(setting.problem)
    for fault in scaled(setting):
        yield _of_fault("scaled", setting, fault, energy, tools, slow)


def trials_of_correct(setting: Setting, tools: Tools, slow: bool) -> Iterator[Trial]:
    """Right gradients, shown to everyone."""
    energy = Energy(setting.problem)
    for who, hand in correct(setting):
        diff = compare(hand, setting.tape)
        gradients = hand.gradients if isinstance(hand, Evaluation) else hand
        refused = tools.refused(Question(gradients, setting.tape.gradients, energy), slow)
        said = ", ".join(f"{row.name}: {row.reason}" for row in diff.rows if row.status.bad)
        yield Trial(
            "correct",
            who,
            who,
            *_network(setting),
            verdict=diff.verdict.name,
            said=said or (diff.causes[0].id if diff.causes else ""),
            refused={US: diff.verdict.bad, **refused},
        )


def _of_fault(what: str, setting: Setting, fault: Fault, energy: Energy, tools: Tools, slow: bool) -> Trial:
    reference = setting.reference(fault.decay)
    diff = compare(fault.hand, reference)
    ids = [cause.id for cause in diff.causes]
    sigma, relative, rounding = size_of(fault.effect, setting)
    return Trial(
        what,
        fault.id,
        fault.words,
        *_network(setting),
        fault.epsilon,
        sigma,
        relative,
        rounding,
        diff.verdict.name,
        fault.id in named_first(diff.causes),
        fault.id in ids or fault.id in named_first(diff.causes),
        ids[0] if ids else "nothing",
        {US: diff.verdict.bad, **tools.refused(Question(fault.hand, reference.gradients, energy), slow)},
    )


def _network(setting: Setting) -> tuple[int, str, float, bool, bool, bool]:
    problem, kind = setting.problem, setting.kind
    dtype, scale = problem.dtype.name, problem.loss.scale
    return setting.number, dtype, scale, kind.square, kind.one_sample, kind.saturated
