import base64
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gradient_diff import Cause, Code, GradientDiff, Status, compare
from gradient_diff.files.code_json import code_from_json
from gradient_diff.render.figures.saving import save_figures
from gradient_diff.render.html import report_page, to_html
from gradient_diff.render.notebook import to_cell
from gradient_diff.render.sections import Section
from gradient_diff.render.tables import to_json, to_markdown
from gradient_diff.render.terminal import to_text

VOID = {"meta", "img", "br", "link", "input"}
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


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
    assert page.texts.count("✗ DIFFERENT") == 1
    for row in different.rows:
        assert row.name in page.texts
    for line in different.ledger:
        assert line.shapes in page.texts


def test_status_is_never_told_by_colour_alone(mixed: GradientDiff) -> None:
    page = Page(to_html(mixed))
    for row in mixed.rows:
        assert any(text.endswith(row.status.name) for text in page.texts)
    assert page.texts.count("✗") >= sum(row.status.bad for row in mixed.rows)


def test_worst_entries_name_both_values_with_enough_digits(match: GradientDiff, different: GradientDiff) -> None:
    metrics = match["dense_2/dE_dkernel"].metrics
    assert metrics is not None
    page = Page(to_html(match))
    i, j = metrics.worst_index
    assert f"dense_2/dE_dkernel[{i}, {j}]" in page.texts
    place = page.texts.index(f"dense_2/dE_dkernel[{i}, {j}]")
    shown = page.texts[place + 1 : place + 3]
    assert [float(v) for v in shown] == pytest.approx([metrics.worst_hand, metrics.worst_reference], rel=1e-15)
    assert shown[0] != shown[1]
    texts = Page(to_html(different)).texts
    places = [i for i, text in enumerate(texts) if text.startswith("dense_2/dE_dkernel[")]
    assert len(places) == 1
    assert float(texts[places[0] + 1]) / float(texts[places[0] + 2]) == pytest.approx(64, rel=1e-4)


def test_a_clash_in_the_ledger_is_marked(mixed: GradientDiff, match: GradientDiff) -> None:
    assert "✗ given (5, 3): the transpose" in Page(to_html(mixed)).texts
    assert to_html(mixed).count('class="gd-clash"') == 1
    assert 'class="gd-clash"' not in to_html(match)


def test_hostile_names_are_text(mixed: GradientDiff, hostile: str) -> None:
    section = Section(
        hostile, [hostile], {hostile: pd.DataFrame({hostile: [hostile]})}, {hostile: mixed}, {hostile: PIXEL}
    )
    page = Page(report_page(hostile, [section], {hostile: hostile}))
    assert page.tags["script"] == 0
    assert "\x1b" not in "".join(Page(to_html(mixed)).texts)
    assert any("<script>alert('x')</script>" in text for text in page.texts)
    assert not any(name.startswith("on") for name, _ in page.attributes)


def test_a_page_asks_nothing_of_the_network_and_runs_nothing(mixed: GradientDiff, tmp_path: Path) -> None:
    text = to_html(mixed, figures=save_figures(mixed, tmp_path))
    page = Page(text)
    assert page.tags["script"] == page.tags["link"] == page.tags["iframe"] == 0
    assert "url(" not in text
    assert "@import" not in text
    sources = [value for name, value in page.attributes if name in ("src", "href")]
    assert len(sources) >= 4
    assert all(value.startswith(("data:image/png;base64,", "#")) for value in sources)


def test_figures_are_embedded_with_their_caption_as_alt_text(match: GradientDiff, tmp_path: Path) -> None:
    path = tmp_path / "pixel.png"
    path.write_bytes(PIXEL)
    page = Page(to_html(match, figures={"one": path, "two": PIXEL}))
    encoded = base64.b64encode(PIXEL).decode()
    assert page.attributes.count(("src", f"data:image/png;base64,{encoded}")) == 2
    assert [value for name, value in page.attributes if name == "alt"] == ["one", "two"]
    assert {"one", "two"} <= set(page.texts)


def test_a_figure_that_is_no_png_or_not_there_is_refused(match: GradientDiff, tmp_path: Path) -> None:
    (tmp_path / "a.svg").write_text("<svg/>")
    with pytest.raises(ValueError, match=r"The figure .*a\.svg is no PNG: save it with format='png'"):
        to_html(match, figures={"a": tmp_path / "a.svg"})
    with pytest.raises(FileNotFoundError):
        to_html(match, figures={"a": tmp_path / "missing.png"})


def test_light_dark_print_and_phone(match: GradientDiff) -> None:
    text = to_html(match)
    for needed in ("prefers-color-scheme: dark", "@media print", 'name="viewport"', "position: sticky"):
        assert needed in text


def test_a_page_of_several_diffs_begins_with_a_table_of_verdicts(match: GradientDiff, mixed: GradientDiff) -> None:
    page = Page(report_page("Study", [Section("A", diffs={"x": match}), Section("B", diffs={"y": mixed, "z": match})]))
    targets = [value[1:] for name, value in page.attributes if name == "href"]
    ids = [value for name, value in page.attributes if name == "id"]
    assert targets == ["diff-1-1", "diff-2-1", "diff-2-2"]
    assert ids == ["a", "diff-1-1", "b", "diff-2-1", "diff-2-2"]
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


def test_the_status_stands_beside_the_name_where_no_scrolling_hides_it(mixed: GradientDiff) -> None:
    page = to_html(mixed)
    head = page[page.index("<thead>", page.index("<h4>Rows</h4>")) :]
    places = [head.index(f">{title}</th>") for title in ("node", "status", "shape", "σ", "own σ", "relative L2", "at")]
    assert places == sorted(places)


Wrong = Callable[[Code], GradientDiff]


def test_a_page_shows_the_function_a_mark_per_line_and_the_guilty_span_lit(
    wrong: Wrong, codes: dict[str, Code]
) -> None:
    text = to_html(wrong(codes["two"]))
    assert re.findall("<mark>(.*?)</mark>", text) == ["2 * (z2 - y)", "dz1 * z1 * (1 - z1)"]
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
