"""What has been taken for the gradient of a penalty: another size, sign or kind of it, or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.diagnosis.mistake import makes
from gradient_diff.diagnosis.reenactment.formula import Formula
from manual_mlp import Array
from manual_mlp.extend import Operation, Penalty, PenaltyGradient

L2, L1 = "dE/dW = z_prevᵀ δ + 2λW", "dE/dW = z_prevᵀ δ + λ sign W"
ACTIVITY = "dE/dz = dE/dz of the layer above + λ/N sign z + 2λ/N z"


@dataclass(frozen=True)
class Form:
    """One way to get it wrong.

    Attributes:
        id: of the mistake.
        sentence: what was done.
        size: the λ of it.
        operation: what stands in place of the penalty's gradient; None where nothing does.
    """

    id: str
    sentence: str
    size: str
    operation: Operation | None


@dataclass(frozen=True)
class Asked:
    """A penalty of E, of an array called `symbol` that has `units` columns, over a batch of N."""

    penalty: Penalty
    symbol: str
    batch: int
    units: int

    @property
    def over(self) -> str:
        """What its λ is divided by."""
        return "/N" if self.penalty.mean else ""

    def form(self, name: str, sentence: str, **changes: float) -> Form:
        """With another λ."""
        other = replace(self.penalty, **changes)  # type: ignore[arg-type]  # numbers, and whether it is a mean
        return Form(name, sentence, self.size, PenaltyGradient(other) if other else None)

    @property
    def size(self) -> str:
        """Its λ, or both."""
        l1, l2 = self.penalty.l1, self.penalty.l2
        return f"λ₁ = {l1:.6g}, λ₂ = {l2:.6g}" if l1 and l2 else f"λ = {l1 or l2:.6g}"

    def function(self, name: str, sentence: str, text: str, times: Callable[[Array], Array]) -> Form:
        """With another function in place of sign."""
        rest, slope = replace(self.penalty, l1=0.0), self.penalty.slope(self.batch)
        formula = Formula(
            f"{slope:g} {text}{rest.write_gradient('{0}')}", lambda a: slope * times(a) + rest.gradient(a)
        )
        return Form(name, sentence, self.size, formula)


def forms(asked: Asked) -> Iterator[Form]:
    """Every way."""
    if asked.penalty.mean:
        yield from _activity(asked)
    elif asked.penalty.l1 and asked.penalty.l2:
        yield Form("l2_missing", f"the whole penalty of {asked.symbol} is missing", asked.size, None)
    if asked.penalty.l2 and not asked.penalty.mean:
        for name, factor, _, sentence in l2_forms(asked.symbol, asked.batch):
            yield asked.form(name, sentence, l2=factor * asked.penalty.l2)
    if asked.penalty.l1:
        yield from _l1(asked)
    yield from _taken_for_each_other(asked)


@makes(
    "l2_missing",
    "regularisation",
    title="the decay term is missing, or there is one too many",
    equation=L2,
    cure="E + λΣW² adds 2λW to dE/dW.",
    alike=("l2_sign",),
)
@makes(
    "l2_factor",
    "regularisation",
    title="λW for 2λW, or the reverse",
    equation=L2,
    cure="E + λΣW² adds 2λW, E + ½λΣW² adds λW.",
    tell_apart="the value of λ",
)
@makes(
    "l2_sign",
    "regularisation",
    title="the decay is subtracted",
    equation=L2,
    cure="E + λΣW² adds +2λW.",
    alike=("l2_missing",),
    tell_apart="the value of λ",
)
def l2_forms(a: str, n: int) -> Iterator[tuple[str, float, str, str]]:
    """(id, times the right term 2λa, what is written in its place, sentence).

    Some books write λ/N or λ/2N into E; over one sample it is nothing else.
    """
    yield "l2_missing", 0.0, "", f"the decay term 2λ{a} of E is missing"
    yield "l2_factor", 0.5, f" + λ{a}", f"the decay term is λ{a}, half of what E + λΣ{a}² gives"
    yield "l2_factor", 2.0, f" + 4λ{a}", f"the decay term is 4λ{a}, twice what E + λΣ{a}² gives"
    yield "l2_sign", -1.0, f" − 2λ{a}", "the decay term is subtracted"
    for share, term in ((1.0, f"2λ{a}/N"), (0.5, f"λ{a}/N")) if n > 1 else ():
        sentence = f"the decay term is {term}, with N = {n}, where E + λΣ{a}² gives 2λ{a}"
        yield "l2_factor", share / n, f" + {term}", sentence


@makes(
    "l1_missing",
    "regularisation",
    title="the term of an L1 penalty is missing",
    equation=L1,
    cure="E + λΣ|W| adds λ sign W to dE/dW.",
)
@makes(
    "l1_factor",
    "regularisation",
    title="an L1 penalty counts more or less than once",
    equation=L1,
    cure="E + λΣ|W| adds λ sign W: no 2, no ½, no 1/N.",
)
@makes(
    "l1_sign",
    "regularisation",
    title="an L1 penalty is subtracted",
    equation=L1,
    cure="E + λΣ|W| adds +λ sign W.",
)
@makes(
    "l1_without_sign",
    "regularisation",
    title="λ or λ|W| for λ sign W",
    equation=L1,
    cure="The slope of |W| is sign W: −1 where W is below 0.",
)
def _l1(asked: Asked) -> Iterator[Form]:
    a, l1, over = asked.symbol, asked.penalty.l1, asked.over
    term = f"λ{over} sign {a}"
    if not asked.penalty.mean or asked.penalty.l2:  # else it is the whole penalty of an output
        yield asked.form("l1_missing", f"the term {term} of E is missing", l1=0.0)
        yield asked.form("l1_sign", f"the term {term} of E is subtracted", l1=-l1)
        for words, factor in (("2λ", 2.0), ("½λ", 0.5)):
            yield asked.form("l1_factor", f"{words}{over} sign {a} stands for {term}", l1=factor * l1)
    if not asked.penalty.mean and asked.batch > 1:
        yield asked.form("l1_factor", f"λ/N sign {a} stands for {term}, N = {asked.batch}", l1=l1 / asked.batch)
    yield asked.function("l1_without_sign", f"λ{over} stands for {term}", "", np.ones_like)
    yield asked.function("l1_without_sign", f"λ{over} |{a}| stands for {term}", "|{0}|", np.abs)


@makes(
    "l1_as_l2",
    "regularisation",
    title="an L1 penalty is taken for an L2 one",
    equation=L1,
    cure="E + λΣ|W| adds λ sign W, E + λΣW² adds 2λW.",
)
@makes(
    "l2_as_l1",
    "regularisation",
    title="an L2 penalty is taken for an L1 one",
    equation=L2,
    cure="E + λΣW² adds 2λW, E + λΣ|W| adds λ sign W.",
)
def _taken_for_each_other(asked: Asked) -> Iterator[Form]:
    a, over, (l1, l2) = asked.symbol, asked.over, (asked.penalty.l1, asked.penalty.l2)
    for words, share in (("2λ", 1.0), ("λ", 0.5)) if l1 else ():
        sentence = f"{words}{over} {a} stands for λ{over} sign {a}"
        yield asked.form("l1_as_l2", sentence, l1=0.0, l2=l2 + share * l1)
    if l2:
        sentence = f"λ{over} sign {a} stands for 2λ{over} {a}"
        yield asked.form("l2_as_l1", sentence, l1=l1 + l2, l2=0.0)
    if l1 and l2:
        yield asked.form("l2_as_l1", "λ₁ and λ₂ stand in each other's place", l1=l2, l2=l1)


@makes(
    "activity_missing",
    "regularisation",
    title="the penalty of a layer's output is missing",
    equation=ACTIVITY,
    cure="E has λ/N Σ|z| + λ/N Σz² of that layer: add its slope to dE/dz, before going back through f.",
)
@makes(
    "activity_not_averaged",
    "regularisation",
    title="the penalty of a layer's output is not divided by N",
    equation=ACTIVITY,
    cure="Keras divides the penalty of an output by N, unlike that of a weight.",
)
@makes(
    "activity_factor",
    "regularisation",
    title="the penalty of a layer's output counts more or less than once",
    equation=ACTIVITY,
    cure="λ/N Σz² has the slope 2λ/N z: by N alone it is divided, and not by the number of units.",
)
def _activity(asked: Asked) -> Iterator[Form]:
    l1, l2 = asked.penalty.l1, asked.penalty.l2
    yield Form("activity_missing", "the penalty of z is missing", asked.size, None)
    sentence = f"the penalty of z is not divided by N = {asked.batch}"
    if asked.batch > 1:
        yield asked.form("activity_not_averaged", sentence, mean=False)
        yield asked.form("activity_not_averaged", f"{sentence}, and λz stands for 2λz", mean=False, l2=l2 / 2)
    if l2:
        yield asked.form("activity_factor", "λ/N z stands for 2λ/N z", l2=l2 / 2)
    for words, factor in (
        (f"is divided by {asked.units} units, too", 1 / asked.units),
        ("is subtracted", -1.0),
        ("counts twice", 2.0),
    ):
        yield asked.form("activity_factor", f"the penalty of z {words}", l1=factor * l1, l2=factor * l2)
