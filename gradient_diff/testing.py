"""assert_gradients_match: a comparison for test suites, which fails with everything there is to know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from gradient_diff.comparison import compare
from gradient_diff.noise.network import Noise
from gradient_diff.result.diff import GradientDiff
from gradient_diff.result.row import Row
from gradient_diff.result.status import Status
from gradient_diff.sides import Derivation
from gradient_diff.witnesses.complex_step import Asked
from manual_mlp import Evaluation
from manual_mlp.extend import GATE, Arrays

_WIDTH = 100  # of source lines in the message
_LINES, _NAMED = 9, 4  # lines of code, and arrays that are off, in a message that is shortened


class GradientMismatch(AssertionError):  # noqa: N818  # it reports a finding, as pytest's Failed does
    """Gradients that do not match, or of which nothing could be proved.

    Attributes:
        diff: the comparison, with which a debugger or `render.write_report` goes on.

    Example:
        >>> import numpy as np
        >>> try:
        ...     assert_gradients_match({"w": np.ones(2)}, {"w": np.zeros(2)}, rtol=1e-6)
        ... except GradientMismatch as error:
        ...     error.diff.verdict.name
        'DIFFERENT'
    """

    def __init__(self, message: str, diff: GradientDiff) -> None:
        super().__init__(message, diff)  # both, so that it survives being pickled
        self.diff = diff

    def __str__(self) -> str:
        return str(self.args[0])

    def shorten(self) -> None:
        """Say only what is wrong and where from now on, as the plugin has it without `-vv`.

        Example:
            >>> import numpy as np
            >>> try:
            ...     assert_gradients_match({"w": np.ones(2)}, {"w": np.zeros(2)}, rtol=1e-6)
            ... except GradientMismatch as error:
            ...     error.shorten()
            ...     str(error).splitlines()[-1]
            'With -vv pytest shows each array and every cause.'
        """
        self.args = ("\n".join(_short(self.diff)), self.diff)


def assert_gradients_match(
    hand: Evaluation | Arrays | Derivation,
    reference: Evaluation | Arrays,
    *,
    noise: Noise | Arrays | None = None,
    names: Mapping[str, str] | None = None,
    rtol: float | None = None,
    witness: Asked | None = None,
    sizes: tuple[int, int] | None = None,
    layout: str | None = None,
    allow_kinks: bool = False,
    allow_vacuous: bool = False,
) -> GradientDiff:
    """Compare as `compare` does, and fail unless every row is right and proved.

    A comparison that proves nothing fails, too: one in which nothing says how much rounding to expect (`INCONCLUSIVE`),
    or in which a gradient is zero on these data or lost in noise (`VACUOUS`). The message says how to mend that.

    Args:
        hand: the derivation under test, as in `compare`.
        reference: what it is held against, likewise.
        noise: how much rounding to expect, where no Evaluation says it.
        names: hand's name → reference's name, where they differ.
        rtol: instead, a tolerance of your own, relative to the largest entry of each reference array.
        witness: for gradients without a known network, as in `compare`.
        sizes: (N, K), where no Evaluation tells them, as in `compare`.
        layout: None finds in which layout the hand comes and undoes it, "as given" does not, as in `compare`.
        allow_kinks: whether sides that differ only through units at a kink pass; any subgradient is right there.
        allow_vacuous: whether rows pass that prove nothing, because zeros would pass there, too.

    Returns:
        The `GradientDiff`, when all is well.

    Raises:
        GradientMismatch: an AssertionError with all failing arrays at once: status, worst entry with both values and
            its distance in σ, and the mistake that explains them, with its cure. Its `diff` is the comparison.
        TypeError: as `compare`.
        ValueError: as `compare`.

    Example:
        >>> import numpy as np
        >>> from manual_mlp import MLP, Dense
        >>> mlp = MLP(1, [Dense(1)])
        >>> e = mlp.backpropagate(mlp.initialize(0), np.ones((2, 1)), np.zeros((2, 1)), "mse")
        >>> assert_gradients_match(e.gradients, e).verdict.name
        'MATCH'
        >>> assert_gradients_match({name: -g for name, g in e.gradients.items()}, e)
        Traceback (most recent call last):
            ...
        gradient_diff.testing.GradientMismatch: MISMATCH: the sign is turned round...
    """
    __tracebackhide__ = True  # pytest then points at the line of the test
    diff = compare(hand, reference, noise=noise, names=names, rtol=rtol, witness=witness, sizes=sizes, layout=layout)
    if diff.passes(allow_kinks, allow_vacuous):
        return diff
    allowed = [status for status, lifted in ((Status.KINK, allow_kinks), (Status.VACUOUS, allow_vacuous)) if lifted]
    raise GradientMismatch("\n".join(_lines(diff, [Status.MATCH, *allowed])), diff)


def _lines(diff: GradientDiff, allowed: list[Status]) -> Iterator[str]:
    from gradient_diff.wording import printable

    failing = [row for row in diff.rows if row.status not in allowed]
    yield _headline(diff)
    yield printable(f"hand: {diff.hand_origin} · reference: {diff.reference_origin}")
    for row in failing:
        if not row.downstream:
            yield ""
            yield from _row(row)
    if follow := [printable(row.name) for row in failing if row.downstream]:
        yield from ("", f"Off only because a row above is: {', '.join(follow)}")
    yield from _causes(diff)
    yield ""
    yield from _advice(diff, failing)


def _headline(diff: GradientDiff) -> str:
    """The first line: what is wrong, and where the user's code is known, its file and line."""
    from gradient_diff.wording import printable

    return printable(f"not proved: {diff.headline()}" if diff.verdict.ok else diff.headline())


def _short(diff: GradientDiff) -> Iterator[str]:
    """Verdict with cause and line, what the first cause says, the line of code, and which arrays are off."""
    from gradient_diff.render.causes import equations_of, sentence, shown
    from gradient_diff.render.code_terminal import code_text
    from gradient_diff.wording import printable

    yield _headline(diff)
    for cause in shown(diff)[:1]:
        equations = [f"{label}: {text}" for label, text in equations_of(cause)]
        yield from (f"  {printable(text)}" for text in (sentence(cause.message), *equations))
    if diff.unexplained and not diff.causes:
        yield f"  {printable(diff.unexplained)}"
    if diff.code:
        yield from code_text(diff, _WIDTH, brief=True).strip("\n").split("\n")[:_LINES]
        if any(finding.fix for finding in diff.code.findings[:1]):
            yield "  A fix was found and run: -vv shows it."
    rows = [row for row in diff.rows if not row.status.ok]
    off = [printable(row.name) for row in rows]
    more = f" and {len(off) - _NAMED} more" if len(off) > _NAMED else ""
    yield f"  {'off' if all(row.status.bad for row in rows) else 'not proved right'}: {', '.join(off[:_NAMED])}{more}"
    yield "With -vv pytest shows each array and every cause."


def _row(row: Row) -> Iterator[str]:
    """One array that fails: its status, the worst entry with both values, and why."""
    from gradient_diff.wording import apart, index, printable, shapes, sigmas

    yield f"{row.status.name}  {printable(row.name)}  {shapes(row.shape_hand, row.shape_reference)}"
    if row.metrics is not None and row.metrics.differing:
        m = row.metrics
        hand, reference = apart(m.worst_hand, m.worst_reference)
        yield f"    worst entry{index(m.worst_index)}: hand {hand}, reference {reference}"
        yield f"    entries that differ: {m.differing:,} of {m.size:,}; relative L2 {m.relative_l2:.1e}"
    if row.distance is not None and not row.by_sigma:
        yield f"    {sigmas(row.distance)} σ apart; up to {GATE:g} σ are rounding"
    yield f"    {printable(row.reason)}"


def _causes(diff: GradientDiff) -> Iterator[str]:
    from gradient_diff.render.causes import equations_of, heading, located, notes, sentence, shown
    from gradient_diff.render.code_terminal import code_text
    from gradient_diff.wording import printable

    if heading(diff):
        yield from ("", heading(diff))
    for place, cause in enumerate(shown(diff), 1):
        yield f"{place}. {printable(located(cause))}"
        equations = [f"{label}: {text}" for label, text in equations_of(cause)]
        yield from (f"   {printable(text)}" for text in (sentence(cause.message), *equations, *notes(cause)))
    if diff.unexplained:
        yield printable(diff.unexplained)
    if diff.remark:
        yield printable(diff.remark)
    yield from code_text(diff, _WIDTH).split("\n") if diff.code else ()


def _advice(diff: GradientDiff, failing: list[Row]) -> Iterator[str]:
    """What to do about each status, gravest first."""
    from gradient_diff.wording import printable

    for status in sorted({row.status for row in failing}, key=list(Status).index):
        yield printable(f"{status.name}: {diff.meaning(status).advice}")
