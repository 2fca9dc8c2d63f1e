from __future__ import annotations

import re
from xml.etree import ElementTree as ET

import pytest

from gradient_diff.guide.derivations import DERIVATIONS
from gradient_diff.guide.mathml import to_mathml
from gradient_diff.guide.words import RECORDS

EQUATIONS = {r.equation for r in RECORDS.values()} | {s.formula for steps in DERIVATIONS.values() for s in steps}
SPELLED = {"ᵀ": "⊤", "²": "2", "\u0302": "^", "ĝ": "g^"}


def signs(text: str) -> list[str]:
    """What is to be seen, brackets and bars of fractions aside, in alphabetical order."""
    for ours, theirs in SPELLED.items():
        text = text.replace(ours, theirs)
    return sorted(re.sub(r"[\s_/()\[\],√]", "", text))


@pytest.mark.parametrize("equation", sorted(EQUATIONS))
def test_every_equation_is_well_formed_and_keeps_all_its_signs(equation: str) -> None:
    math = ET.fromstring(to_mathml(equation))
    assert signs("".join(math.itertext())) == signs(equation)
    assert {e.tag for e in math.iter()} <= {*("math", "mrow", "mi", "mn", "mo", "mspace", "mfrac", "msub", "msup")} | {
        *("msubsup", "msqrt", "mover")
    }


def test_a_fraction_an_index_and_a_transpose() -> None:
    math = ET.fromstring(to_mathml("dE/dz_prev[n] = δ Wᵀ"))
    above, below = math.findall(".//mfrac/mrow")
    assert ("".join(above.itertext()), "".join(below.itertext())) == ("dE", "dzprev,n")
    assert ["".join(e.itertext()) for e in math.iter("msup")] == ["W⊤"]


def test_brackets_around_all_of_a_numerator_are_not_needed() -> None:
    assert "".join(ET.fromstring(to_mathml("(p − y)/N")).itertext()) == "p−yN"
    assert "".join(ET.fromstring(to_mathml("(a)(b)/N")).itertext()) == "(a)bN"


def test_the_denominator_of_softmax_is_its_whole_sum() -> None:
    below = ET.fromstring(to_mathml("exp(u)/Σ_j exp(u[j])")).findall(".//mfrac/mrow")[1]
    assert "".join(below.itertext()) == "Σjexp(uj)"


def test_what_html_means_something_by_is_escaped() -> None:
    assert "<mo>&lt;</mo>" in to_mathml("a < b")


def test_a_bracket_that_does_not_close_is_refused() -> None:
    with pytest.raises(ValueError, match=r"E \(: a bracket is not closed, \) is missing"):
        to_mathml("E (")
