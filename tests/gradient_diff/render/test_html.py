import base64
import dataclasses
import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from gradient_diff import Cause, Code, GradientDiff, Status, compare
from gradient_diff.files.code_json import code_from_json
from gradient_diff.render.figures.vector import svg_of
from gradient_diff.render.html import report_page, to_html
from gradient_diff.render.notebook import to_cell
from gradient_diff.render.sections import Section
from gradient_diff.render.tables import to_json, to_markdown
from gradient_diff.render.terminal import to_text
from gradient_diff.wording import mark
from manual_mlp import MLP, Dense

VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; refuses tags that are not closed in order."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, f"not closed: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        self.attributes += [(name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip() and "style" not in self.open:
            self.texts.append(data.strip())

    @property
    def text(self) -> str:
        return "\n".join(self.texts)


def test_the_page_reader_can_fail() -> None:
    with pytest.raises(AssertionError):
        Page("<p><b>never closed</p>")


def test_a_page_names_verdict_meaning_advice_sides_rows_and_ledger(different: GradientDiff) -> None:
    page = Page(to_html(different))
    assert "manual_mlp against keras eager" in page.texts
    assert Status.DIFFERENT.advice in page.text
    assert "More than rounding explains (1 of 14 rows); first bad row: dense_2/dE_dkernel." in page.text
    assert page.texts.count("✓ MATCH") == 13
    assert page.texts.count("✗ DIFFERENT") == 2  # the verdict, and its row
    for row in different.rows:
        assert row.name in page.texts
    for line in different.ledger:
        assert line.shapes in page.texts


def test_status_is_never_told_by_colour_alone(mixed: GradientDiff) -> None:
    page = Page(to_html(mixed))
    for row in mixed.rows:
        assert any(text.endswith(f"{mark(row.status)} {row.status.name}") for text in page.texts)


def test_worst_entries_name_both_values_with_enough_digits(different: GradientDiff) -> None:
    texts = Page(to_html(different)).texts
    metrics = different["dense_2/dE_dkernel"].metrics
    assert metrics is not None
    places = [texts.index(f"[{i}, {j}]") for (i, j), _, _ in metrics.worst]
    assert len(places) == 10
    assert places == sorted(places)
    for place, entry in zip(places, metrics.worst, strict=True):
        assert [float(v) for v in texts[place + 1 : place + 3]] == pytest.approx(
            [entry.hand, entry.reference], rel=1e-5
        )
    assert f"rtol = {metrics.needed_rtol:.1e}" in texts


def test_a_clash_in_the_ledger_is_marked(mixed: GradientDiff, match: GradientDiff) -> None:
    assert "✗ given (5, 3): the transpose" in Page(to_html(mixed)).texts
    assert to_html(mixed).count('class="gd-clash"') == 1
    assert 'class="gd-clash"' not in to_html(match)


def test_hostile_names_are_text(mixed: GradientDiff, hostile: str) -> None:
    frame, drawn = pd.DataFrame({hostile: [hostile]}), svg_of(Figure((1, 1)), hostile)
    section = Section(hostile, [hostile], {hostile: frame}, {hostile: mixed}, {hostile: drawn}, {hostile: False})
    page = Page(report_page(hostile, [section], {hostile: hostile}))
    assert page.tags["script"] == 0
    assert not {"\x1b", "\r"} & set("".join([*page.texts, *Page(to_html(mixed)).texts]))
    assert any("<script>alert('x')</script>" in text for text in page.texts)
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_a_page_asks_nothing_of_the_network_and_runs_nothing(mixed: GradientDiff) -> None:
    text = to_html(mixed)
    page = Page(text)
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == page.tags["img"] == 0
    for foreign in ("url(", "@import", "http:", "https:", "data:", 'style="'):
        assert foreign not in text
    links = {value for name, value in page.attributes if name in ("src", "href")}
    assert links
    assert links <= {f"#{value}" for name, value in page.attributes if name == "id"}


def test_the_policy_allows_this_very_style_and_nothing_else(match: GradientDiff) -> None:
    text = to_html(match)
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="(.*?)"', text)
    digest = base64.b64encode(hashlib.sha256(re.findall("<style>(.*?)</style>", text, re.DOTALL)[0].encode()).digest())
    rules = html.unescape(policy).split("; ")
    assert rules == [
        "default-src 'none'",
        f"style-src 'sha256-{digest.decode()}'",
        "base-uri 'none'",
        "form-action 'none'",
    ]


def test_sigma_is_defined_where_it_is_first_used_and_leads_to_more(match: GradientDiff) -> None:
    wrong = compare({"w": -np.eye(2)}, {"w": np.eye(2)}, rtol=1e-6)
    caused = dataclasses.replace(wrong, causes=(dataclasses.replace(wrong.causes[0], residual=0.4),))
    for diff in (match, caused):
        text = to_html(diff)
        body = text.partition("<body")[2]
        assert body.index("σ is one standard deviation of the rounding") < body.index('class="ladder"')
        assert '<summary id="reading">' in text
    note = to_html(caused).partition("0.4 σ are left")[2]
    assert note.index("σ is one standard deviation") < note.index("</p>")


def test_figures_are_inline_with_their_caption(match: GradientDiff) -> None:
    drawn = svg_of(Figure((1, 1)), "a caption")
    text = report_page("T", [Section("A", figures={"a caption": drawn})])
    assert drawn in text
    assert "<figcaption>a caption</figcaption>" in text


def test_no_id_stands_twice(match: GradientDiff, mixed: GradientDiff) -> None:
    drawn = {name: svg_of(Figure((1, 1)), name) for name in ("one", "two")}
    page = Page(report_page("T", [Section("A", diffs={"x": match, "y": mixed}, figures=drawn)]))
    ids = [value for name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids)) > 20


def test_light_dark_print_and_phone(match: GradientDiff) -> None:
    text = to_html(match)
    for needed in ("prefers-color-scheme: dark", "@media print", 'name="viewport"', "position: sticky"):
        assert needed in text


def test_a_page_of_several_diffs_begins_with_a_table_of_verdicts(match: GradientDiff, mixed: GradientDiff) -> None:
    page = Page(report_page("Study", [Section("A", diffs={"x": match}), Section("B", diffs={"y": mixed, "z": match})]))
    targets = [value[1:] for name, value in page.attributes if name == "href"]
    ids = [value for name, value in page.attributes if name == "id"]
    targets, ids = ([one for one in found if not one.startswith("row-")] for found in (targets, ids))
    assert [target for target in targets if target != "reading"] == ["diff-1-1", "diff-2-1", "diff-2-2"]
    assert ids == ["verdicts", "reading", "a", "diff-1-1", "b", "diff-2-1", "diff-2-2"]
    assert [t for t in page.texts if " · " in t][:3] == ["A · x", "B · y", "B · z"]


def test_free_sections_tables_and_manifest() -> None:
    frame = pd.DataFrame({"iteration": [1, 2], "RMSE": [0.6579381234, np.nan], "note": ["a", None]})
    page = Page(
        report_page(
            "T",
            [Section("H", ["first", "second"], {"Ten rows": frame})],
            {"versions": {"numpy": "2.4"}, "seeds": [1, 2], "none": None},
        )
    )
    assert {"H", "first", "second", "Ten rows", "iteration", "0.657938", "a"} <= set(page.texts)
    assert page.texts.count("–") == 3
    assert page.texts[page.texts.index("versions.numpy") + 1] == "2.4"
    assert page.texts[page.texts.index("seeds") + 1] == "1, 2"
    assert "How to read this page" not in page.texts


def test_nothing_fails_on_extremes(extreme: GradientDiff) -> None:
    assert extreme.verdict.name in Page(to_html(extreme)).text


def test_rows_of_a_diff_without_a_network_have_no_ledger() -> None:
    text = to_html(compare({"w": np.ones(2)}, {"w": np.ones(2)}))
    assert "Matrix ledger" not in text
    assert "Worst entries" not in text


def test_the_ladder_stands_in_the_order_of_the_computation_with_the_culprit_open(mixed: GradientDiff) -> None:
    page = to_html(mixed)
    rows = re.findall(r'<details id="row-1-1-(\d+)" class="(.*?)"( open)?>', page)
    assert [int(number) for number, _, _ in rows] == list(range(1, len(mixed) + 1))
    (culprit,) = [number for number, kind, shown in rows if "culprit" in kind and shown]
    assert mixed.rows[int(culprit) - 1].name == mixed.culprit
    assert f'href="#row-1-1-{culprit}"' in page


def test_right_rows_are_folded_beside_a_culprit_and_open_where_all_match(
    match: GradientDiff, different: GradientDiff
) -> None:
    assert "7 arrays match: dense_1/u … dense_2/dE_du" in html.unescape(to_html(different))
    right = to_html(match)
    assert 'class="fold"' not in right
    opened = [int(n) for n in re.findall(r'<details id="row-1-1-(\d+)" class="good" open>', right)]
    gradients = [row.name for row in match.rows if row.name.endswith(("kernel", "bias"))]
    assert [match.rows[n - 1].name for n in opened] == gradients
    assert right.count('class="gd-map"') == 3 * len(gradients)


def test_the_shape_that_was_expected_stands_beside_what_came(mixed: GradientDiff) -> None:
    texts = Page(to_html(mixed)).texts
    place = texts.index("expected")
    assert texts[place : place + 4] == ["expected", "(3, 5)", "came", "(5, 3)"]


def test_a_study_says_first_how_many_came_out_as_expected(match: GradientDiff, different: GradientDiff) -> None:
    def page(expected: Status) -> str:
        diffs = {"right": match, "wrong": different}
        return report_page(
            "T",
            [Section("A", diffs=diffs, claims={"so it is": True}, expected={"right": Status.MATCH, "wrong": expected})],
        )

    good, bad = page(Status.DIFFERENT), page(Status.MATCH)
    assert "✓ 2 of 2 as expected, 1 of 1 claims hold" in Page(good).texts
    assert "✗ 1 of 2 as expected, 1 of 1 claims hold" in Page(bad).texts
    assert "✗ A · wrong: DIFFERENT, expected MATCH" in Page(bad).texts
    assert good.index("as expected") < good.index("dE/dW by hand and by the reference") < good.index('id="verdicts"')
    assert 'class="gd-row-bad"><th scope="row"><a href="#diff' in bad
    assert 'class="gd-row-bad"><th scope="row"><a href="#diff' not in good
    titles = re.findall('<th scope="col">(.*?)</th>', good[good.index('class="verdicts"') :])[:5]
    assert titles == ["comparison", "verdict", "expected", "so?", "what it means"]


@pytest.mark.parametrize(
    ("layers", "most"),
    [([784, 50, 100, 10], 300_000), ([10, *[10] * 39, 2], 2_000_000), ([4, *[3] * 150, 2], 2_000_000)],
)
def test_a_page_is_small(layers: list[int], most: int) -> None:
    mlp = MLP(layers[0], [Dense(n, "tanh") for n in layers[1:]])
    rng = np.random.default_rng(0)
    e = mlp.backpropagate(mlp.initialize(0), rng.random((20, layers[0])), rng.random((20, layers[-1])), "mse")
    off = dataclasses.replace(e, nodes={n: a * (2 if "/dE_" in n else 1) for n, a in e.nodes.items()})
    rows = tuple(
        dataclasses.replace(r, reason="x" * 60) for r in compare(dict(off.nodes), dict(e.nodes), rtol=1e-9).rows
    )
    diff = dataclasses.replace(
        compare({"w": np.eye(2)}, {"w": np.eye(2)}), rows=rows, hand=off.nodes, reference=e.nodes, problem=e.problem
    )
    assert diff.culprit
    assert len(to_html(diff).encode()) < most


Wrong = Callable[[Code], GradientDiff]


def test_a_page_shows_the_function_a_mark_per_line_and_the_guilty_span_lit(
    wrong: Wrong, codes: dict[str, Code]
) -> None:
    text = to_html(wrong(codes["two"]))
    first, *listed = text.split('class="gd-code"')
    assert re.findall("<mark>(.*?)</mark>", first) == ["2 * (z2 - y)", "dz1 * z1 * (1 - z1)"]  # two lines around it
    assert re.findall("<mark>(.*?)</mark>", "".join(listed)) == ["2 * (z2 - y)", "dz1 * z1 * (1 - z1)"]
    rows = re.findall(
        r'<tr class="gd-line(.*?)"><td class="gd-sign" title="(.*?)">(.?)</td><th scope="row">(\d+)<', text
    )
    assert {number: (kind, sign) for kind, _, sign, number in rows} == {
        **{str(n): ("", "") for n in (26, 27, 28)},
        **{str(n): (" gd-line-good", "✓") for n in (29, 30, 32, 34)},
        **{str(n): (" gd-line-bad", "✗") for n in (31, 33)},
    }
    assert {"z of dense_2", "should be δ of dense_1", "net.py:33, in gradients"} <= {*Page(text).texts}


def test_code_in_a_sentence_is_set_as_code_and_a_single_backtick_is_none(wrong: Wrong, codes: dict[str, Code]) -> None:
    first = codes["one"].findings[0]
    for message, told in (
        ("`a < b` is z.", "<p><code>a &lt; b</code> is z."),
        ("a ` b", "<p>a ` b"),
        ("", "<p><code>dz1"),
    ):
        code = dataclasses.replace(codes["one"], findings=(dataclasses.replace(first, message=message),))
        assert told in to_html(wrong(code))


def test_the_fix_stands_below_as_a_coloured_diff_that_copies_as_one(wrong: Wrong, codes: dict[str, Code]) -> None:
    text = to_html(wrong(codes["one"]))
    shown = text[text.index('<pre class="gd-fix">') : text.index("</pre>", text.index('<pre class="gd-fix">'))]
    assert '<span class="gd-old">-    d1 = dz1 * z1 * (1 - z1)\n</span>' in shown
    assert '<span class="gd-new">+    d1 = dz1 * (1 - z1**2)\n</span>' in shown
    assert re.sub("<.*?>", "", shown) == codes["one"].findings[0].fix


def test_whatever_stands_in_code_is_text(wrong: Wrong, any_code: Code) -> None:
    for text in (to_html(wrong(any_code)), to_cell(wrong(any_code))):
        page = Page(text)
        assert page.tags["script"] == page.tags["form"] == 0
        assert not {"\x1b", "\u202e", "\t"} & set(text)
        assert not any(name.startswith("on") for name, _ in page.attributes)
        assert "/users/" not in text


def test_right_code_shows_its_listing_and_nothing_to_blame(match: GradientDiff, codes: dict[str, Code]) -> None:
    text = to_html(dataclasses.replace(match, code=codes["right"]))
    assert "What each line is" in Page(text).texts
    assert "Where it is wrong" not in text
    assert "<mark>" not in text


def test_silence_is_said_on_the_page(wrong: Wrong, match: GradientDiff, codes: dict[str, Code]) -> None:
    sentence = "No Python source is known of it."
    assert sentence in Page(to_html(wrong(codes["silent"]))).texts
    assert sentence not in to_html(dataclasses.replace(match, code=codes["silent"]))
    assert 'class="gd-code"' not in to_html(wrong(codes["nothing"]))


def test_the_page_is_rebuilt_from_what_json_holds(wrong: Wrong, any_code: Code) -> None:
    diff = wrong(any_code)
    saved = code_from_json(json.loads(to_json(diff))["code"])
    assert to_html(dataclasses.replace(diff, code=saved)) == to_html(diff)
    assert to_text(dataclasses.replace(diff, code=saved), 80) == to_text(diff, 80)


def test_the_line_stands_beside_its_cause_in_every_rendering(wrong: Wrong, codes: dict[str, Code]) -> None:
    cause = Cause("sign", "", "every gradient has the opposite sign", "", "", 0.5, finding=codes["one"].findings[0])
    diff = dataclasses.replace(wrong(codes["one"]), causes=(cause,), unexplained="")
    told = "The sign is turned round (sign) · net.py:33"
    assert told in Page(to_html(diff)).texts
    assert f"1. {told}" in to_text(diff, 100)
    assert f"1. **{told}**" in to_markdown(diff)
    assert json.loads(to_json(diff))["causes"][0]["finding"]["file"] == "net.py"


def test_the_banner_begins_with_a_capital_but_for_a_symbol(wrong: Wrong, codes: dict[str, Code]) -> None:
    assert any(
        text.startswith("δ of dense_1 belongs at net.py:33") for text in Page(to_html(wrong(codes["one"]))).texts
    )
    assert "text-transform" not in to_html(wrong(codes["one"]))


def test_many_comparisons_leave_out_detail_until_the_page_is_small_and_say_so(different: GradientDiff) -> None:
    def page(count: int) -> str:
        diffs = {f"{i}": different for i in range(count)}
        return report_page("T", [Section("A", diffs=diffs, expected=dict.fromkeys(diffs, Status.DIFFERENT))])

    few, many, more = page(3), page(80), page(400)
    assert "To keep this page small" not in few
    assert few.count("Matrix ledger") == 3
    assert "all numbers and matrix ledgers are left to the tables" in many
    assert many.count('class="ladder"') == 80
    assert "the ladders of what is as expected" in more
    assert max(len(text.encode()) for text in (few, many, more)) <= 2_000_000
