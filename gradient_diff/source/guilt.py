"""Which expressions are to blame: run the user's code again with the right value put in at one, and see what heals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from dataclasses import replace
from functools import partial

from gradient_diff.source.blaming import blamed
from gradient_diff.source.grounds import is_edge
from gradient_diff.source.healing import healing, on_the_way_to
from gradient_diff.source.observed import Observed
from gradient_diff.source.positions import Place
from gradient_diff.source.suspicion import Suspicion
from gradient_diff.source.trial import Trial
from gradient_diff.source.weighing import is_made_of_known, is_sound, nothing_against, scored

MOST = 4  # mistakes in one code
MOST_CALLS = 6  # of one expression, each of whose values is looked at by itself
MOST_FIRST = 5  # expressions that are tried as the first one


def find_guilty(trial: Trial, most: int = MOST) -> list[Suspicion]:
    """Mistakes, one after the other; the right values of those found before are left in."""
    return next(find_each(trial, most), [])


def find_each(trial: Trial, most: int = MOST) -> Iterator[list[Suspicion]]:
    """The same with the likeliest first one, then with the others that heal as much."""
    for first in _guiltiest(trial, MOST_FIRST):
        yield _with_what_follows(trial, first, most)
        trial.fixed.clear()


def _with_what_follows(trial: Trial, first: Suspicion, most: int) -> list[Suspicion]:
    found = [first]
    while True:
        trial.fixed |= dict(found[-1].put)
        after = trial.again()
        if len(found) == most or after is None or trial.healthy(after[0]) == trial.right.keys():
            return found
        chosen = next(_guiltiest(trial, 1), None)
        if chosen is None:
            return found
        found.append(chosen)


def _guiltiest(trial: Trial, count: int) -> Iterator[Suspicion]:
    """Of those that heal most, the ones that score least, each of another expression."""
    seen = Observed.of(trial)
    if seen is None:
        return
    wrong, told, tries, firm = trial.right.keys() - seen.healthy, set[Place](), list[Suspicion](), list[Suspicion]()
    for grounded in (True, False):
        for one in healing(seen, grounded):
            tries.append(one)
            best = _beyond_doubt(seen, one) if not told and (one.healed == wrong or is_edge(seen, one.first)) else None
            if best is not None and best.healed == wrong:
                told.add(one.first.places[0])
                yield _first_of(seen, best)
            elif best is not None and seen.names[best.first.index] is None:  # a factor may have come with what goes in
                firm.append(best)
        if grounded and firm and not told:  # of several mistakes each heals its own; of one the first heals most
            best = _alone(seen, tries, wrong) or min(firm, key=lambda one: (-len(one.healed), one.first.index))
            told.add(best.first.places[0])
            yield _first_of(seen, best)
    ranked = sorted(((*scored(seen, t), t) for t in _heal_most(seen, tries, wrong)), key=lambda r: r[0])
    each = {rank[-1].first.places[:1]: rank for rank in reversed(ranked) if rank[-1].first.places[0] not in told}
    for _, gained, weak, found in sorted(each.values(), key=lambda r: r[0])[: count - len(told)]:
        yield blamed(seen, replace(_needed(seen, found), gained=gained, weak=weak))


def _heal_most(seen: Observed, tries: Sequence[Suspicion], wrong: Set[str]) -> list[Suspicion]:
    """Where none heals all, of what is made of known values: before others something else may be the fault."""
    partly = all(t.healed != wrong for t in tries)
    known = [t for t in tries if partly and is_made_of_known(scored(seen, t)[0])]
    most = max((len(t.healed) for t in known or tries), default=0)
    return [t for t in known or tries if len(t.healed) == most]


def _alone(seen: Observed, tries: Sequence[Suspicion], wrong: Set[str]) -> Suspicion | None:
    """One that heals all by itself, where others heal a part each; it may be right as it is, or have a factor."""
    whole = [(*scored(seen, one), one) for one in tries if one.healed == wrong]
    each = [(score, replace(one, gained=gained)) for score, gained, weak, one in whole if is_sound(score) and not weak]
    return min(each, key=lambda s: s[0])[1] if each else None


def _first_of(seen: Observed, found: Suspicion) -> Suspicion:
    """The same, or what it reads where that alone is off; blamed at the level that it is the fault of."""
    nested = partial(seen.is_called_in, found.first)
    each = (_beyond_doubt(seen, e, nested(e.first)) for e in on_the_way_to(seen, found))
    first = next((b for b in each if b is not None), found)
    return blamed(seen, replace(_needed(seen, first), gained=first.gained))


def _beyond_doubt(seen: Observed, found: Suspicion, only_here: bool = False) -> Suspicion | None:
    """With what it gains; None where something speaks against it; that it is right as it is does not, `only_here`."""
    score, gained, weak = scored(seen, found)
    fine = nothing_against(score, but_that_it_is_right=only_here) and (only_here or not weak)
    return replace(found, gained=gained) if fine else None


def _needed(seen: Observed, found: Suspicion) -> Suspicion:
    """Without the values that heal nothing: of one expression that is reached by two calls, one may be overwritten."""
    put = dict(found.put)
    calls = {e.places for e in found.events if e.index in put}
    for index in sorted(put) if 1 < len(calls) <= MOST_CALLS else ():
        rest = {i: value for i, value in put.items() if i != index}
        after = seen.trial.again(rest) if rest else None
        if after and seen.trial.healthy(after[0]) >= seen.healthy | found.healed:
            put = rest
    return replace(found, put=put)
