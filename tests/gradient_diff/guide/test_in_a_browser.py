"""The guide in Chromium, from disk: silent, as wide as a phone, and without a fault that axe-core knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gradient_diff.guide.folder import write_guide
from gradient_diff.guide.words import RECORDS
from tests.browsing import opened

pytestmark = pytest.mark.xdist_group("browser")

CHOSEN = ("index", "derivative_at_output", "statistics_constant", "bce_inner_sign", "layers_reversed", "from_logits")


@pytest.fixture(scope="module")
def guide(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_guide(tmp_path_factory.mktemp("guide") / "book").parent


def test_every_page_fits_a_phone_and_asks_for_nothing(browser: Any, guide: Path) -> None:
    names = ["index", *RECORDS]
    wide = []
    with opened(browser, guide / "index.html", 360) as seen:
        for name in names:
            seen.page.goto((guide / f"{name}.html").as_uri())
            seen.open_all()
            if seen.overflow() > 0:
                wide.append(name)
        assert wide == []
        assert seen.messages == []
        assert seen.requests == [(guide / f"{name}.html").as_uri() for name in ("index", *names)]


def test_what_is_too_wide_would_be_seen(browser: Any, guide: Path, tmp_path: Path) -> None:
    text = (guide / "sign.html").read_text("utf-8").replace("<main>", '<main><svg width="3000" height="9"></svg>')
    (tmp_path / "planted.html").write_text(text, "utf-8")
    with opened(browser, tmp_path / "planted.html", 360) as seen:
        assert seen.overflow() > 0


@pytest.mark.slow  # axe looks at every element
@pytest.mark.parametrize("name", CHOSEN)
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (360, "dark")])
def test_axe_finds_nothing(name: str, width: int, scheme: str, browser: Any, guide: Path) -> None:
    with opened(browser, guide / f"{name}.html", width, color_scheme=scheme) as seen:
        assert seen.violations() == []
