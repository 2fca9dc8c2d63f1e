"""Which expressions are to blame: run the user's code again with the right value put in at one, and see what heals."""

from __future__ import annotations

from dataclasses import replace

from gradient_diff.source.blaming import blamed
from gradient_diff.source.healing import healing
from gradient_diff.source.observed import Observed
from gradient_diff.source.suspicion import Suspicion
from gradient_diff.source.trial import Trial
from gradient_diff.source.weighing import is_weak, scored


def find_guilty(trial: Trial, most: int = 4) -> list[Suspicion]:
    """Mistakes, one after the other; the right values of those found before are left in."""
    found: list[Suspicion] = []
    while len(found) < most:
        chosen = _guiltiest(trial)
        if chosen is None:
            break
        found.append(chosen)
        trial.fixed |= dict(chosen.put)
        after = trial.again()
        if after is None or trial.healthy(after[0]) == trial.right.keys():
            break
    return found


def _guiltiest(trial: Trial) -> Suspicion | None:
    """Of those that heal most, the one that scores least."""
    seen = Observed.of(trial)
    tries = list(healing(seen)) if seen else []
    if seen is None or not tries:
        return None
    most = max(len(t.healed) for t in tries)
    ranked = [(*scored(seen, t), t) for t in tries if len(t.healed) == most]
    score, gained, found = min(ranked, key=lambda r: r[0])
    return blamed(seen, replace(found, gained=gained, weak=is_weak(score)))
