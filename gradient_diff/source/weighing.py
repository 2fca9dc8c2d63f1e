"""Of several expressions that heal the same: the one with right operands, with whose right value most follows."""

from __future__ import annotations

from gradient_diff.source.events import Act, Event, Run
from gradient_diff.source.factors import OF_ITS_BATCH
from gradient_diff.source.forms import Form, Recognised, is_backward
from gradient_diff.source.healing import factors_beside
from gradient_diff.source.observed import Observed, key_of, magnitude, read_by, varies
from gradient_diff.source.suspicion import Suspicion
from manual_mlp import Array

Score = tuple[bool | int, ...]
"""The smaller, the guiltier; read from the left."""

_UNKNOWN, _STRANGE, _MANY = 3, 2, 99
_TERMS = ("y", "1 − y", "y / z", "(1 − y) / (1 − z)")
"""Of a loss's derivative, in which they stand with whatever sign and scale."""


def scored(seen: Observed, found: Suspicion) -> tuple[Score, int, bool]:
    """(score, how many values are recognised with it that were not, whether its grounds are weak)."""
    again = seen.trial.again(found.put, light=False)
    gained, lost = _change(seen, again[1], found) if again else (0, _MANY)
    through, off = _operands_off(seen, found, again[1]) if again else (_MANY, _MANY)
    event = found.first
    own = seen.names[event.index]
    node = found.form.node
    lacks = not through and _is_short_of(seen, own, node)
    others = own is not None and node in own.nodes and own.form.which != found.form.which
    exact = own is not None and own.exact and not others
    waits = lacks and (is_backward(found.forms[0]) or found.forms[0].role == "u")  # of this very equation
    enough = (exact and not waits) or (own is not None and _is_enough(seen, own))
    right = enough + (enough and key_of(event.value) in seen.read_by_known)  # where it is read rightly, it is right
    usual = found.factor in factors_beside(seen, found.events, found.forms)
    cost = 0 if usual else _cost(found.factor)
    gathers = event.act is not Act.COMPUTES
    between = any(f.node not in seen.trial.known.ladder.named for f in found.forms)
    score = (lost > gained, through, lost > 0, right, cost, gathers, event.index, between, -gained)
    return score, gained, (exact and not lacks) or off == _STRANGE or off >= 2 * _UNKNOWN


def _is_short_of(seen: Observed, own: Recognised | None, node: str) -> bool:
    """Whether it is right as it is, and on the way to the node."""
    ladder = seen.trial.known.ladder
    return own is not None and node not in own.nodes and (ladder.is_above(own, node) or ladder.are_of_one(own, node))


def _short_form(seen: Observed, event: Event, form: Form) -> Form:
    """What its operands are held against: what it is, where that is short of a step, and not handed on at once."""
    own = seen.names[event.index]
    short = own is not None and _is_short_of(seen, own, form.node) and not seen.is_nested(event)
    return own.form if own is not None and short else form


def _is_enough(seen: Observed, name: Recognised) -> bool:
    """Of what a softmax gives, −y/z goes down as well as dE/dz: its Jacobian takes a constant away."""
    return seen.trial.problem.loss.name == "categorical_crossentropy" and name.form.role == "y / z"


def nothing_against(score: Score, but_that_it_is_right: bool = False) -> bool:
    """Whether all that goes in is right, nothing is lost with it, and it is no mere sum, and has no odd factor."""
    return not any((*score[:3], score[3] and not but_that_it_is_right, *score[4:6]))


def is_made_of_known(score: Score) -> bool:
    """Whether all that goes in is known, be it with a factor or from after a step."""
    return score[1] < _UNKNOWN


def is_sound(score: Score) -> bool:
    """Whether all that goes in is right and nothing is lost with it, and nothing that is right reads it as it is."""
    return not any(score[:3]) and score[3] < 2


def _cost(factor: str) -> int:
    """1 before other factors, and those before minus such a one; a mini-batch has its own mean."""
    return 0 if factor in ("1", OF_ITS_BATCH) else 1 + factor.startswith("−")


def _change(seen: Observed, run: Run, found: Suspicion) -> tuple[int, int]:
    """How many values are recognised now that were not, and the other way round."""
    known, gained, lost = seen.trial.known, 0, 0
    for event in run.events:
        if event.act is Act.COMPUTES and event.index not in found.put and event.index in seen.names:
            now, before = known.recognise(event.value, magnitude(event)), seen.names[event.index]
            gained += now is not None and before is None
            lost += now is None and before is not None
    return gained, lost


def _operands_off(seen: Observed, found: Suspicion, run: Run) -> tuple[int, int]:
    """0 where all that goes in is right, 1 up to a factor, 2 with another sign or from after a step, 3 unknown.

    First of what the whole expression is made of, by which the guiltiest is found; then of what its last operation
    takes, by which somebody is told. What goes in is read from the run in which the right value was put in: an earlier
    pass of a loop has healed.
    """
    after = {e.index: e for e in run.events}
    forms = {e.index: f for e, f in zip(found.events, found.forms, strict=True)}
    put = [after[i] for i in found.put if i in after]
    known = seen.trial.known
    made_of = [(read_by(run, known, e), e.operands, _short_form(seen, e, forms[e.index])) for e in put]
    through = max((_off_of(seen, all_of_it, found.factor, f) for all_of_it, _, f in made_of), default=0)
    if len({f.rows for f in found.forms}) == 1 and any(_is_of_others(seen, direct, f) for _, direct, f in made_of):
        through = max(through, _STRANGE)  # of a sum that is not added up each value is of other samples
    if any(_is_foreign(seen, all_of_it, direct, f) for all_of_it, direct, f in made_of):
        return through, _STRANGE
    return through, max((_off_of(seen, direct, found.factor, f) for _, direct, f in made_of), default=0)


def _is_foreign(seen: Observed, all_of_it: tuple[Array, ...], direct: tuple[Array, ...], form: Form) -> bool:
    """Whether an expression of several operations is made of nothing that belongs to the equation."""
    names = map(seen.trial.known.recognise, all_of_it)
    strange = all(n is not None and not seen.trial.known.ladder.leads_to(n, form.node) for n in names)
    return strange and bool(all_of_it) and not any(o is p for o in all_of_it for p in direct)


def _is_of_others(seen: Observed, direct: tuple[Array, ...], form: Form) -> bool:
    """Whether all that goes in is the sum over other samples: no number makes one of the other."""
    names = [seen.recognise(o) for o in direct if o.size > 1 and varies(o)]
    own = [n for n in names if n is not None and form.node in n.nodes and not n.form.piece.per_sample]
    return len(names) == len(own) == 1 and own[0].form.rows != form.rows


def _off_of(seen: Observed, operands: tuple[Array, ...], factor: str, form: Form) -> int:
    wide = [o for o in operands if o.size > 1] or operands  # one number among arrays is anything by chance
    names = [seen.recognise(o) for o in wide]
    rows = {n.form.rows for n in names if n is not None and n.form.piece.per_sample}
    told = [o for o in operands if o.size > 1 or seen.recognise(o) is not None]  # a sum so far is off with its first
    own = max((_off(seen, o, factor) for o in told), default=0)
    strange = not seen.trial.known.ladder.lead_to([n for n in names if n is not None], form.node)
    return max(own, _STRANGE * (len(rows) > 1), int(strange))  # of different samples, or of another equation


def _off(seen: Observed, value: Array, factor: str) -> int:
    name = seen.trial.known.recognise(value)
    if name is None:
        return (_UNKNOWN + seen.unknown.get(key_of(value), 0)) * varies(value)
    if "after the step" in name.node:
        return _STRANGE
    right = name.exact or name.factor == factor or name.form.role in _TERMS
    return 0 if right else _cost(name.factor)
