"""A difference quotient handed over for a derivation: it proves nothing against anybody, and says so itself."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gradient_diff.judging.case import Case
from gradient_diff.result.judged import Judged
from gradient_diff.result.status import Meaning, Status
from manual_mlp import Array
from manual_mlp.extend import GATE, LOSS, UNITS, is_gradient

_ROOT = float(np.finfo(np.float32).eps ** 0.5)  # that of float64 is 2⁻²⁶
_DECIMAL = tuple(float(f"1e-{k}") for k in range(1, 11))
_STEPS = (*_DECIMAL, *(2.0**-k for k in range(3, 31)), _ROOT)
_LESS_USUAL = tuple(float(f"{m}e-{k}") for m in (5, 2) for k in range(1, 11))
STEPS = tuple((sides, step) for step in (*_STEPS, *_LESS_USUAL) for sides in (2, 1))
"""(2 for a central, 1 for a one-sided quotient, ε), usual ones first: central ε and one-sided 2ε look the same."""

NEARLY = 0.05  # of a whole number
ODDS = 1e-12  # that so many numbers are so near whole ones by chance; some 1000 steps are tried
HALVES = range(-2, 13)  # how often the spacing of E is halved for that of its smallest term; 2ε, 5ε are ε halved, too
SOME = 64  # entries, of which most steps are already refuted
COARSE = 1e-2  # relative: the truncation of the largest step that anybody would call a derivative
MEANING = Meaning(
    "the hand is a difference quotient, and no derivation",
    "Hand over what was derived: a quotient of that step can prove nothing finer.",
)


def as_quotients(case: Case, judged: Mapping[str, Judged]) -> dict[str, Judged]:
    """The rows that are off, if all of them are difference quotients of this E by one step.

    (E(w + ε) − E(w − ε))/2ε is a whole multiple of spacing(E)/2ε, since the difference of two floats so near each other
    is exact: no derivation has only such numbers.
    """
    off = [n for n, j in judged.items() if j.status in (Status.MISMATCH, Status.DIFFERENT) and _is_gradient(case, n)]
    inferred = case.noise is not None and case.noise.of_step  # these are quotients of weights
    step = _step(case, off) if off and case.pair.runs[0] is None and not inferred else ""
    reason = f"this is a difference quotient of step {step}, no derivation: what it leaves is no mistake of anybody"
    return {
        n: replace(judged[n], status=Status.INCONCLUSIVE, reason=reason, meaning=MEANING, by_sigma=False)
        for n in off
        if step
    }


def _is_gradient(case: Case, node: str) -> bool:
    return node != LOSS and (case.problem is None or is_gradient(node))


def _step(case: Case, off: Iterable[str]) -> str:
    """ε in words; nothing if there is none."""
    value = None if case.noise is None else case.noise.values.get(LOSS)
    pairs = [(case.hand[n], case.reference[n]) for n in off]
    entries = np.concatenate([np.asarray(h, np.float64).reshape(-1) for h, _ in pairs])
    if (
        value is None or not np.isfinite(value) or not float(value) or np.abs(entries).max(initial=0.0) > 1e100
    ):  # no E has such a slope
        return ""
    if all(UNITS.get(h.dtype.name, 0.0) > UNITS["float32"] for h, _ in pairs):
        return ""  # what has so few bits is a whole multiple of its own last ones
    e = float(value)
    found = _step_of_whole(pairs, entries, e, "float32") or _step_of_terms(pairs, entries, e, _divisors(case))
    if found or _is_coarse(entries) or all(h.dtype != np.float64 for h, _ in pairs):
        return found
    return _step_of_whole(pairs, entries, e, "float64")


def _step_of_whole(pairs: Sequence[tuple[Array, Array]], entries: Array, value: float, dtype: str) -> str:
    """The step of quotients of an E that is computed in one dtype."""
    spacing = _spacing(value, dtype)
    fitting = [(k * step, k, step) for k, step in STEPS if _whole(entries * (k * step / spacing), dtype)]
    if not fitting or not _near(pairs, min(fitting)[0], spacing):  # every multiple of the step fits, too
        return ""
    _, sides, step = next(f for f in fitting if f[0] == min(fitting)[0])
    return f"ε = {step:.3g}, {'central' if sides == 2 else 'one-sided'}, with E in {dtype}"


def _spacing(value: float, dtype: str) -> float:
    return float(np.spacing(np.abs(np.asarray(value, dtype))))


def _divisors(case: Case) -> tuple[int, ...]:
    """What E may divide the sum of its terms by, the usual first."""
    n, k = case.sizes or (1, 1)
    if case.problem is not None:
        n, k = case.problem.batch, case.problem.y.size // max(case.problem.batch, 1)
    return tuple(dict.fromkeys((n, n * k, k, 1)))


def _step_of_terms(pairs: Sequence[tuple[Array, Array]], entries: Array, value: float, divisors: Sequence[int]) -> str:
    """The step of quotients of an E whose terms alone are float32: targets in float64 make its sum and its mean finer.

    They are multiples of spacing(term)/2εN, and were rounded once more when they were stored. Steps at which the
    numbers of a derivation that divides by N would be whole, too, are not asked for.
    """
    spacing = _spacing(value, "float32")
    units = [
        (divisor * step * 2.0**halves / spacing, step)
        for divisor, step in itertools.product(divisors, _DECIMAL)
        if not any(_is_power_of_two(divisor * step / other) for other in divisors)
        for halves in HALVES
    ]
    some = entries[np.argsort(-np.abs(entries), kind="stable")[:: max(1, entries.size // SOME)]]
    asked = [(unit, step) for unit, step in units if _whole(some * unit, "float32", once=True, odds=1.0)]
    fitting = [(unit, step) for unit, step in asked if _whole(entries * unit, "float32", once=True)]
    coarsest = min((unit for unit, _ in fitting), default=0.0)  # in which all multiples of the step are, too
    step = next((step for unit, step in fitting if np.isclose(unit, coarsest, rtol=1e-9)), 0.0)
    if not step or not _near(pairs, step, spacing):
        return ""
    return f"ε = {step:.3g}, or that by a power of two, with the terms of E in float32"


def _is_power_of_two(number: float) -> bool:
    mantissa = float(np.frexp(number)[0])
    return min(abs(mantissa - 0.5), abs(mantissa - 1.0)) < 1e-9  # 1e-3 is not quite itself


def _is_coarse(entries: Array) -> bool:
    """Whether float32 holds them all: such numbers are whole multiples of their own last digits."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(entries.astype(np.float32), entries))


def _whole(multiples: Array, dtype: str, once: bool = False, odds: float = ODDS) -> bool:
    """Whether all are whole numbers, as far as the division by the step leaves them so, and hardly by chance.

    `once` says that all but the storing of the quotient was finer than the dtype.
    """
    multiples = multiples[multiples != 0]
    if not np.isfinite(multiples).all():
        return False
    lost = NEARLY + (1 if once else 4) * UNITS[dtype] * np.abs(multiples)
    whole = np.round(multiples)
    if not (np.abs(multiples - whole) <= lost).all() or not whole.all():
        return False
    if np.log(np.minimum(2 * lost, 1)).sum() >= np.log(odds):
        return False
    return odds > ODDS or _are_of_no_base(whole[lost < 0.5])


def _are_of_no_base(whole: Array) -> bool:
    """Whether they are not all multiples of one odd number, as those of few decimal digits are: one chance for all."""
    odd = int(np.gcd.reduce(np.abs(whole).astype(np.int64), initial=0))
    return odd & (odd - 1) == 0


def _near(pairs: Sequence[tuple[Array, Array]], step: float, spacing: float) -> bool:
    """Whether they are those of this very E: a quotient of another one is a mistake all the same."""
    sizes = [float(np.abs(r).max(initial=0.0)) for _, r in pairs]
    return GATE * spacing / step < max(sizes) and all(
        (np.abs(np.asarray(h, np.float64) - r) <= COARSE * size + GATE * spacing / step).all()
        for (h, r), size in zip(pairs, sizes, strict=True)
    )
