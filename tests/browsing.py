"""Chromium for tests: a page that is open, what it asked for and said, and what axe-core finds in it.

Playwright's Python client drives it (the extra `browser`); where client or browser is missing, tests say so and are
skipped. The browser itself is the fixture `browser` of conftest.py.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

HIGH = 720


@contextmanager
def launched() -> Iterator[Any]:
    """A browser, the machine's own or Playwright's."""
    playwright = pytest.importorskip("playwright.sync_api", reason="Playwright is missing: pip install '.[browser]'")
    with playwright.sync_playwright() as started:
        own = Path(started.chromium.executable_path)
        found = shutil.which("chromium") or (str(own) if own.exists() else None)
        if found is None:
            pytest.skip("no Chromium: apt install chromium, or playwright install chromium")
        browser = started.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Seen:
    """A page that is open, and what it did."""

    page: Any
    messages: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def open_all(self) -> None:
        self.page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")

    def overflow(self) -> int:
        return int(self.page.evaluate("document.documentElement.scrollWidth - innerWidth"))

    def violations(self) -> list[str]:
        """What axe-core objects to."""
        axe = pytest.importorskip("axe_playwright_python", reason="axe-core is missing: pip install '.[browser]'")
        self.page.evaluate((Path(axe.__file__).parent / "axe.min.js").read_text("utf-8"))
        found = self.page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
        return [f"{v['id']}: {v['nodes'][0]['html'][:200]}" for v in found]


@contextmanager
def opened(browser: Any, address: Path | str, width: int = 1280, **context: Any) -> Iterator[Seen]:
    """A page from disk, or from an address."""
    page = browser.new_page(viewport={"width": width, "height": HIGH}, **context)
    seen = Seen(page)
    page.on("console", lambda message: seen.messages.append(message.text))
    page.on("pageerror", lambda error: seen.messages.append(str(error)))
    page.on("request", lambda request: seen.requests.append(request.url))
    page.on("requestfailed", lambda request: seen.refused.append(f"{request.url} {request.failure}"))
    try:
        page.goto(address.as_uri() if isinstance(address, Path) else address)
        yield seen
    finally:
        page.close()
