"""The pages in Chromium: from disk, under their policy, at three widths, in every scheme, by keyboard, for all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from experiments.frame.summary import index_of
from gradient_diff import GradientDiff, Status, compare, write_report
from gradient_diff.cli.marking import mark
from gradient_diff.cli.reference import reference_of
from gradient_diff.extend import Section, report_page, svg_of
from gradient_diff.guide.words import said
from gradient_diff.render.causes import sentence
from gradient_diff.render.html import to_html
from manual_mlp import MLP, Dense, Evaluation
from tests.browsing import HIGH, Seen, opened

pytestmark = pytest.mark.xdist_group("browser")

HOSTILE = "<script>window.ran = 1</script><img src=x onerror='window.ran = 1'>\n\x1b[31m[red]層" + "w" * 80
WIDTHS = (1280, 800, 360)


def gradients(parameters: dict[str, Any], x: Any, y: Any) -> dict[str, Any]:
    W1, b1, W2, b2 = parameters.values()
    z = 1 / (1 + np.exp(-(x @ W1 + b1)))
    d2 = 2 * (z @ W2 + b2 - y) / y.size
    d1 = d2 @ W2.T * z
    return {
        "dense_1/kernel": x.T @ d1,
        "dense_1/bias": d1.sum(0),
        "dense_2/kernel": z.T @ d2,
        "dense_2/bias": d2.sum(0),
    }


def _evaluation() -> Evaluation:
    mlp, rng = MLP(4, [Dense(3, "sigmoid"), Dense(2)]), np.random.default_rng(0)
    parameters = mlp.initialize(rng, bias_initializer="normal(0.5)")
    return mlp.backpropagate(parameters, rng.normal(size=(7, 4)), rng.normal(size=(7, 2)), "mse")


def _right() -> GradientDiff:
    e = _evaluation()
    near = {name: np.nextafter(array, 9) for name, array in e.nodes.items()}
    return compare(e, dataclasses.replace(e, nodes=near, origin="keras eager"))


def _hostile() -> GradientDiff:
    e = _evaluation()
    given = {**e.gradients, "dense_1/kernel": e.gradients["dense_1/kernel"].T, HOSTILE: np.ones(3)}
    given["dense_1/bias"] = np.full(3, np.nan)
    diff = compare(given, e)
    return dataclasses.replace(diff, hand_origin=HOSTILE, title=HOSTILE)


def _study() -> str:
    figure = Figure((4, 2))
    figure.subplots().plot([1, 2], [2, 1], label=HOSTILE)
    right, wrong = _right(), compare(gradients, _evaluation())
    frame = pd.DataFrame({f"column {i} {HOSTILE}": [HOSTILE, i] for i in range(3)})
    expected = {"right": Status.MATCH, "wrong": Status.MISMATCH, HOSTILE: Status.MATCH}
    diffs = {"right": right, "wrong": wrong, HOSTILE: _hostile()}
    section = Section("A section", [HOSTILE], {"a table": frame}, diffs, {HOSTILE: svg_of(figure, HOSTILE)})
    return report_page(
        "A study", [dataclasses.replace(section, claims={HOSTILE: True, "b": False}, expected=expected)], {"seed": 0}
    )


def _index() -> str:
    facts = {"verdicts": {"a": "MATCH"}, "expected": {"a": "MATCH"}, "claims": {"b": False}, "failed": ["b"]}
    return index_of({"sine_regression": facts, "vanishing_gradients": {**facts, "claims": {}, "failed": []}})


PAGES: dict[str, Callable[[], str]] = {
    "right": lambda: to_html(_right(), manifest={"seed": 0}),
    "wrong code": lambda: to_html(compare(gradients, _evaluation()), manifest={"command": "x" * 300}),
    "hostile": lambda: to_html(_hostile(), manifest={HOSTILE: HOSTILE}),
    "unproved": lambda: to_html(compare({"w": np.zeros(2), "b": np.ones(2)}, {"w": np.zeros(2), "b": np.ones(2)})),
    "arrays": lambda: to_html(compare({"w": np.eye(3) + 1e-3}, {"w": np.eye(3)}, rtol=1e-6)),
    "study": _study,
    "index": _index,
}
kinds = pytest.mark.parametrize("kind", PAGES)


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Every kind of page, on disk."""
    folder = tmp_path_factory.mktemp("pages")
    paths = {kind: folder / f"{kind.replace(' ', '_')}.html" for kind in PAGES}
    for kind, path in paths.items():
        path.write_text(PAGES[kind](), "utf-8")
    return paths


@kinds
def test_it_opens_from_disk_in_silence_with_the_verdict_on_screen_and_fits(
    kind: str, browser: Any, pages: dict[str, Path]
) -> None:
    with opened(browser, pages[kind]) as seen:
        for width in WIDTHS:
            seen.page.set_viewport_size({"width": width, "height": HIGH})
            assert kind == "index" or on_screen(seen, width)
        seen.open_all()
        for width in WIDTHS:
            seen.page.set_viewport_size({"width": width, "height": HIGH})
            assert seen.overflow() <= 0, width
        assert seen.messages == []
        assert seen.requests == [pages[kind].as_uri()]
        assert seen.page.evaluate("[document.scripts.length, window.ran === undefined]") == [0, True]


def on_screen(seen: Seen, width: int) -> bool:
    """Whether the badge with the verdict is seen without scrolling."""
    box = seen.page.locator('[role="status"] .gd-badge').first.bounding_box()
    return bool(box["y"] > 0 and box["y"] + box["height"] < HIGH and box["x"] + box["width"] <= width)


def test_what_these_look_for_would_be_seen(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    """Planted: something wide, an image from elsewhere, a message of the browser's."""
    text = pages["right"].read_text("utf-8").replace("<meta http-equiv", "<meta data-was")
    wide = '<svg width="3000" height="9"></svg><img src="missing.png" alt="">'
    wide += '<script>window.ran = 1; console.log("I ran")</script>'
    path = tmp_path / "planted.html"
    path.write_text(text.replace("<main>", f"<main>{'<br>' * 40}{wide}"), "utf-8")
    with opened(browser, path) as seen:
        assert seen.overflow() > 1000
        assert not on_screen(seen, 1280)
        assert any("missing.png" in url for url in seen.requests)
        assert "I ran" in seen.messages
        assert not seen.page.evaluate("window.ran === undefined")


def test_the_policy_stops_what_a_page_must_not_do(browser: Any, pages: dict[str, Path], tmp_path: Path) -> None:
    planted = (
        '<script>window.ran = 1</script><img src="missing.png" alt=""><p id="p" style="color: red" onclick="1">x</p>'
    )
    path = tmp_path / "planted.html"
    path.write_text(pages["right"].read_text("utf-8").replace("<main>", f"<main>{planted}"), "utf-8")
    with opened(browser, path) as seen:
        assert seen.page.evaluate("window.ran === undefined")
        assert any("missing.png csp" in refused for refused in seen.refused)
        assert sum("Content Security Policy" in message for message in seen.messages) >= 3
        assert seen.page.evaluate("getComputedStyle(document.getElementById('p')).color") != "rgb(255, 0, 0)"


def background(seen: Seen) -> str:
    return str(seen.page.evaluate("getComputedStyle(document.body).backgroundColor"))


def test_it_follows_light_dark_forced_colours_and_paper(browser: Any, pages: dict[str, Path]) -> None:
    path = pages["wrong code"]
    with opened(browser, path, color_scheme="light") as light, opened(browser, path, color_scheme="dark") as dark:
        assert background(light) == "rgb(255, 255, 255)"
        assert background(dark) == "rgb(18, 22, 28)"
        ink = "getComputedStyle(document.querySelector('.gd-plot, .gd-drawing')).fill"
        assert light.page.evaluate(ink) != dark.page.evaluate(ink)  # currentColor
        dark.page.emulate_media(media="print")
        assert background(dark) == "rgb(255, 255, 255)"
        assert dark.overflow() <= 0
        assert len(dark.page.pdf()) > 10_000
    with opened(browser, path, forced_colors="active") as forced:
        assert forced.page.evaluate("matchMedia('(forced-colors: active)').matches")
        colours = "[...document.querySelectorAll('.gd-map path, mark')].map(e => getComputedStyle(e).fill)"
        assert len(set(forced.page.evaluate(colours))) > 1  # heat maps keep their two hues


def test_everything_is_reached_and_opened_by_keyboard(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong code"]) as seen:
        names, outlined = [], []
        for _ in range(60):
            seen.page.keyboard.press("Tab")
            name = seen.page.evaluate(
                "document.activeElement.tagName + ' ' + document.activeElement.innerText.slice(0, 40)"
            )
            if name.startswith("BODY"):
                break
            names.append(name)
            outlined.append(seen.page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none")
        assert all(outlined)
        assert any(name.startswith("A dense_1/") for name in names)
        summaries = seen.page.locator("summary:visible").count()
        assert sum(name.startswith("SUMMARY") for name in names) == summaries > 5
        last = seen.page.locator("summary", has_text="How to read this page")
        last.focus()
        seen.page.keyboard.press("Enter")
        assert last.evaluate("e => e.parentElement.open")


def test_a_link_to_the_culprit_leads_to_its_open_row(browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages["wrong code"], 360) as seen:
        seen.page.locator('.answer a[href^="#row-"]').first.click()
        row = seen.page.locator("details.culprit")
        assert row.evaluate("e => e.open")
        assert row.bounding_box()["y"] < HIGH


def test_a_cause_leads_to_its_page_of_the_guide_and_back(browser: Any, tmp_path: Path) -> None:
    report = write_report(compare(gradients, _evaluation()), tmp_path / "run")
    with opened(browser, report, 360) as seen:
        link = seen.page.locator('.answer a[href^="guide/"]').first
        name = Path(link.get_attribute("href")).stem
        link.click()
        assert seen.page.locator("h1").inner_text() == sentence(said(name).title)
        seen.page.locator("nav a").first.click()
        assert seen.page.url == report.as_uri()
        assert seen.messages == seen.refused == []
        assert all(url.startswith(report.parent.as_uri()) for url in seen.requests)


@pytest.fixture(scope="module")
def marks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page about a class of four."""
    out, right = tmp_path_factory.mktemp("class") / "marks", _evaluation()
    wrong = {"ann": -1.0, "ben": -1.0, "cem": 7.0, "dana": 1.0}
    files = [out.parent / f"{name}.npz" for name in wrong]
    for file, factor in zip(files, wrong.values(), strict=True):
        np.savez(file, **{name: factor * array for name, array in right.gradients.items()})
    mark(files, reference_of(right, "reference.npz"), out=out)
    return out / "index.html"


def test_the_page_about_a_class_is_silent_fits_and_leads_to_the_guide(browser: Any, marks: Path) -> None:
    with opened(browser, marks) as seen:
        for width in WIDTHS:
            seen.page.set_viewport_size({"width": width, "height": HIGH})
            assert seen.overflow() <= 0, width
        seen.page.locator(".bars button").first.click()
        assert seen.page.locator("#marks tbody tr:visible").count() == 2
        seen.page.locator(".bars li a").first.click()
        assert seen.page.locator("h1").inner_text() == sentence(said("sign").title)
        assert seen.messages == seen.refused == []


@pytest.mark.slow  # as below
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing_on_the_page_about_a_class(width: int, scheme: str, browser: Any, marks: Path) -> None:
    with opened(browser, marks, width, color_scheme=scheme) as seen:
        assert seen.violations() == []


@pytest.mark.slow  # axe looks at every element of every page
@kinds
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing(kind: str, width: int, scheme: str, browser: Any, pages: dict[str, Path]) -> None:
    with opened(browser, pages[kind], width, color_scheme=scheme) as seen:
        seen.open_all()
        assert seen.violations() == []


@pytest.mark.slow  # as above
def test_axe_would_find_something(browser: Any, tmp_path: Path) -> None:
    text = PAGES["unproved"]().replace("<main>", '<main><svg role="img"></svg><a href="#x"></a>')
    (tmp_path / "planted.html").write_text(text, "utf-8")
    with opened(browser, tmp_path / "planted.html") as seen:
        assert {"svg-img-alt", "link-name"} <= {found.partition(":")[0] for found in seen.violations()}
