"""A difference quotient handed over for a derivation: it proves nothing against anybody, and says so itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from gradient_diff.judging.case import Case
from gradient_diff.result.judged import Judged
from gradient_diff.result.status import Meaning, Status
from manual_mlp import Array
from manual_mlp.extend import GATE, LOSS, UNITS, is_gradient

_ROOT = float(np.finfo(np.float32).eps ** 0.5)  # that of float64 is 2⁻²⁶
_STEPS = (*(float(f"1e-{k}") for k in range(1, 11)), *(2.0**-k for k in range(3, 31)), _ROOT)
_LESS_USUAL = tuple(float(f"{m}e-{k}") for m in (5, 2) for k in range(1, 11))
STEPS = tuple((sides, step) for step in (*_STEPS, *_LESS_USUAL) for sides in (2, 1))
"""(2 for a central, 1 for a one-sided quotient, ε), usual ones first: central ε and one-sided 2ε look the same."""

NEARLY = 0.05  # of a whole number
ODDS = 1e-12  # that so many numbers are so near whole ones by chance; some 300 steps are tried
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
    for dtype in dict.fromkeys((*(h.dtype.name for h, _ in pairs), "float32")):
        if dtype not in ("float32", "float64") or (dtype == "float64" and _is_coarse(entries)):
            continue
        spacing = float(np.spacing(np.abs(np.asarray(value, dtype))))
        fitting = [(k * step, k, step) for k, step in STEPS if _whole(entries * (k * step / spacing), dtype)]
        if fitting and _near(pairs, min(fitting)[0], spacing):  # every multiple of the step fits, too
            _, sides, step = next(f for f in fitting if f[0] == min(fitting)[0])
            return f"ε = {step:.3g}, {'central' if sides == 2 else 'one-sided'}, with E in {dtype}"
    return ""


def _is_coarse(entries: Array) -> bool:
    """Whether float32 holds them all: such numbers are whole multiples of their own last digits."""
    with np.errstate(over="ignore"):
        return bool(np.array_equal(entries.astype(np.float32), entries))


def _whole(multiples: Array, dtype: str) -> bool:
    """Whether all are whole numbers, as far as the division by the step leaves them so, and hardly by chance."""
    multiples = multiples[multiples != 0]
    if not np.isfinite(multiples).all():
        return False
    lost = NEARLY + 4 * UNITS[dtype] * np.abs(multiples)
    whole = np.round(multiples)
    if not (np.abs(multiples - whole) <= lost).all() or not whole.all():
        return False
    return bool(np.log(np.minimum(2 * lost, 1)).sum() < np.log(ODDS))


def _near(pairs: Sequence[tuple[Array, Array]], step: float, spacing: float) -> bool:
    """Whether they are those of this very E: a quotient of another one is a mistake all the same."""
    sizes = [float(np.abs(r).max(initial=0.0)) for _, r in pairs]
    return GATE * spacing / step < max(sizes) and all(
        (np.abs(np.asarray(h, np.float64) - r) <= COARSE * size + GATE * spacing / step).all()
        for (h, r), size in zip(pairs, sizes, strict=True)
    )
