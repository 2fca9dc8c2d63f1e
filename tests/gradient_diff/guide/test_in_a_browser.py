"""The guide in Chromium, from disk: silent, as wide as a phone, and without a fault that axe-core knows."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gradient_diff.guide.folder import write_guide
from gradient_diff.guide.words import RECORDS

playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: pip install playwright")
pytestmark = pytest.mark.xdist_group("browser")

CHOSEN = ("index", "derivative_at_output", "statistics_constant", "bce_inner_sign", "layers_reversed", "from_logits")


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_guide(tmp_path_factory.mktemp("guide") / "book").parent


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as started:
        own = Path(started.chromium.executable_path)
        found = shutil.which("chromium") or (str(own) if own.exists() else None)
        if found is None:
            pytest.skip("no Chromium: apt install chromium, or playwright install chromium")
        launched = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


def test_every_page_fits_a_phone_and_asks_for_nothing(browser: Any, guide: Path) -> None:
    page, messages, requests = browser.new_page(viewport={"width": 360, "height": 720}), [], []
    page.on("console", lambda message: messages.append(message.text))
    page.on("request", lambda request: requests.append(request.url))
    names = ["index", *RECORDS]
    wide = []
    for name in names:
        page.goto((guide / f"{name}.html").as_uri())
        page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wide.append(name)
    page.close()
    assert wide == []
    assert messages == []
    assert len(requests) == len(names)


def test_what_is_too_wide_would_be_seen(browser: Any, guide: Path, tmp_path: Path) -> None:
    text = (guide / "sign.html").read_text("utf-8").replace("<main>", '<main><svg width="3000" height="9"></svg>')
    (tmp_path / "planted.html").write_text(text, "utf-8")
    page = browser.new_page(viewport={"width": 360, "height": 720})
    page.goto((tmp_path / "planted.html").as_uri())
    assert page.evaluate("document.documentElement.scrollWidth > innerWidth")
    page.close()


@pytest.mark.slow  # axe looks at every element
@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing(name: str, width: int, scheme: str, browser: Any, guide: Path) -> None:
    axe = pytest.importorskip("axe_playwright_python", reason="axe-core is missing: pip install axe-playwright-python")
    page = browser.new_page(viewport={"width": width, "height": 720}, color_scheme=scheme)
    page.goto((guide / f"{name}.html").as_uri())
    page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8"))
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    page.close()
    assert [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found] == []
