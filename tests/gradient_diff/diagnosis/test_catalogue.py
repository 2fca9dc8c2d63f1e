from __future__ import annotations

import json
from pathlib import Path

import pytest

from gradient_diff import MISTAKES
from gradient_diff.diagnosis.catalogue import CONVENTIONS
from gradient_diff.diagnosis.mistake import REGISTERED, makes

FROZEN = json.loads(Path(__file__).with_name("catalogue.json").read_text("utf-8"))
ALL = {**MISTAKES, **CONVENTIONS}


def test_order_titles_cures_and_what_tells_apart_are_those_that_the_reports_were_written_with() -> None:
    told = [[m.id, m.family, m.title, m.cure, m.tell_apart, m.convention] for m in ALL.values()]
    assert told == FROZEN


def test_whatever_is_registered_is_listed() -> None:
    assert ALL == REGISTERED
    assert [name for name, record in ALL.items() if record.id != name] == []


def test_every_mistake_has_its_equation() -> None:
    assert [m.id for m in ALL.values() if "=" not in m.equation and "←" not in m.equation] == []
    assert MISTAKES["transposed"].equation == "dE/dW = z_prevᵀ δ"


def test_look_alikes_are_known_and_each_others() -> None:
    pairs = {(m.id, other) for m in ALL.values() for other in m.alike}
    assert {other for _, other in pairs} <= ALL.keys()
    assert pairs == {(b, a) for a, b in pairs}
    assert MISTAKES["factor_two"].alike == ("accumulated", "missing_output_mean", "other_loss")


def test_no_mistake_is_registered_twice() -> None:
    with pytest.raises(ValueError, match="The mistake sign is registered twice, the second time by len"):
        makes("sign", "sign", title="", equation="", cure="")(len)
