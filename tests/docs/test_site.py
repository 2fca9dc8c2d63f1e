"""The site that `make docs` builds: without a warning, without the network, with every public name."""

from __future__ import annotations

import html
import inspect
import os
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
PAGES = {
    "gradient_diff": "gradient_diff",
    "gradient_diff.keras": "gradient_diff_keras",
    "keras_mlp": "keras_mlp",
    "manual_mlp": "manual_mlp",
    "manual_mlp.layers": "manual_mlp_layers",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    done = built(folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def built(folder: Path, *, docs: Path = ROOT / "docs") -> subprocess.CompletedProcess[str]:
    """As `make docs` does it; test_project.py holds that it is strict."""
    config = folder.parent / f"{folder.name}.yml"
    said = (ROOT / "mkdocs.yml").read_text("utf-8")
    said = said.replace("docs_dir: docs\n", f"docs_dir: {docs}\n").replace("tools/pages.py", f"{ROOT}/tools/pages.py")
    said = said.replace("[.]", f"[{ROOT}]")
    config.write_text(said, encoding="utf-8")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "-f", str(config), "-d", str(folder)]
    asked = {**os.environ, "NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(ROOT)}
    return subprocess.run(command, env=asked, capture_output=True, encoding="utf-8", check=False)


def paths(door: str, name: str) -> tuple[str, str]:
    """Where a name is found; one is a folder, too, and is asked for where it is defined."""
    it = getattr(import_module(door), name)
    return f"{door}.{name}", f"{getattr(it, '__module__', door)}.{name}"


def words_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", "", page))


@pytest.mark.parametrize("door", PAGES)
def test_every_public_name_has_its_full_signature(door: str, site: Path) -> None:
    page = (site / "reference" / f"{PAGES[door]}.html").read_text("utf-8")
    for name in import_module(door).__all__:
        it = getattr(import_module(door), name)
        start = max(page.find(f'id="{path}"') for path in paths(door, name))
        assert start > 0, name
        if inspect.isfunction(it):
            signature = words_of(page[start:].partition('class="doc doc-contents')[0])
            assert [p for p in inspect.signature(it).parameters if not re.search(rf"\b{p}\b", signature)] == [], name


def test_pages_ask_no_network(site: Path) -> None:
    """Links lead out; nothing that a page loads does."""
    loaded = r"<(?:script|img|iframe)[^>]*\ssrc=[\"']?(?:https?:)?//|<link[^>]*rel=[\"']?(?:stylesheet|preload)[^>]*https?://"
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 60
    assert [path.name for path in pages if re.search(loaded, path.read_text("utf-8"))] == []
    assert re.search(loaded, '<script src="https://unpkg.com/x"></script>')


def test_it_holds_the_tutorial_the_guide_and_the_studies(site: Path) -> None:
    assert "On which line" in (site / "tutorial.html").read_text("utf-8")
    assert len([*(site / "guide").glob("*.html")]) > 60
    saturation = (site / "studies" / "saturation" / "index.html").read_text("utf-8")
    assert "from logits the gradient of a wrong certainty is −1" in saturation
    assert "77" in words_of((site / "measured" / "keras-coverage.html").read_text("utf-8"))
    assert "REFERENCE_OFF" in (site / "explanation" / "report.html").read_text("utf-8")


def test_a_broken_link_breaks_the_build(tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    docs.mkdir()
    for path in (ROOT / "docs").iterdir():
        (docs / path.name).symlink_to(path.resolve())
    (docs / "faq.md").unlink()
    (docs / "faq.md").write_text("# Questions\n\n[nowhere](nowhere.md)\n", encoding="utf-8")
    done = built(tmp_path / "site", docs=docs)
    assert done.returncode != 0
    assert "nowhere.md" in done.stdout + done.stderr
