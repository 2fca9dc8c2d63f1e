"""The page about a class: counts, shared mistakes, who was not readable, links; nothing runs but its own script."""

from __future__ import annotations

import base64
import hashlib
import re

from gradient_diff.desk.page import marks_page, shared_of
from gradient_diff.render.summary import SummaryLine

LINES = [
    SummaryLine("anna.npz", "MATCH", report="anna/report.html", letter="letters/anna.md"),
    SummaryLine("ben.npz", "MISMATCH", "dense_1/dE_dkernel", "The sign …", mistake="sign", line="ben.py:3"),
    SummaryLine("cho.npz", "MISMATCH", "dense_1/dE_dkernel", "The sign …", mistake="sign"),
    SummaryLine("dora.npz", "MISMATCH", "dense_1/dE_dkernel", "Transposed", mistake="transposed"),
    SummaryLine("eva.npz", "MATCH", unproved="dense_1/dE_dbias"),
    SummaryLine("han.npz", "UNREADABLE", message="han.npz is empty, 0 bytes: save it again."),
]


def test_what_is_counted() -> None:
    page = marks_page(LINES, "reference.npz")
    assert re.findall(r'class="badge \w+">(\d+ [a-z ]+)<', page) == [
        "1 right",
        "3 wrong",
        "1 not proved",
        "1 not readable",
    ]


def test_what_the_class_shares_the_commonest_first() -> None:
    assert [(s.id, s.count) for s in shared_of(LINES)] == [("sign", 2), ("transposed", 1)]
    assert shared_of(LINES, "ko")[0].title == "부호가 반대다"
    assert "2 of 6" in marks_page(LINES, "reference.npz")


def test_who_could_not_be_read_comes_first_with_the_reason() -> None:
    page = marks_page(LINES, "reference.npz")
    assert page.index("0 bytes: save it again") < page.index("What the class shares") < page.index('id="marks"')
    assert "Not readable" not in marks_page(LINES[:3], "reference.npz")


def test_a_class_without_a_mistake_shares_nothing() -> None:
    assert "What the class shares" not in marks_page(LINES[:1], "reference.npz")


def test_only_its_own_script_and_style_may_run() -> None:
    page = marks_page(LINES, "reference.npz")
    (policy,) = re.findall(r'Content-Security-Policy" content="(.*?)"', page)
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", page, re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src &#39;sha256-{digest}&#39;" in policy
    assert "default-src &#39;none&#39;" in policy


def test_a_mistake_that_the_guide_knows_leads_to_its_page() -> None:
    page = marks_page(LINES, "reference.npz")
    assert re.findall(r'href="(guide/.*?)"', page) == [
        f"guide/{name}.html" for name in ("sign", "transposed", "sign", "sign", "transposed")
    ]


def test_hostile_names_are_text() -> None:
    line = SummaryLine('<script>a</script>".npz', "UNREADABLE", message="<img src=x onerror=b>", mistake='"><b>')
    page = marks_page([line], "<i>.npz")
    assert "<script>a" not in page
    assert "<img" not in page
    assert "<i>" not in page
    assert '"><b>' not in page
