"""What `make docs` adds to the pages of docs/: tables, the studies and the field guide, each from where it stands.

MkDocs calls the functions `on_…`. The line `{{ results/reference/speed/tables/ratios.csv }}` is replaced by that table.
"""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))  # MkDocs loads this file by its path

from experiments import STUDIES  # noqa: E402  # above

REFERENCE = ROOT / "results" / "reference"
AT_MOST = 30  # rows of a table on a page; the whole file lies beside it


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Put the tables in."""
    return re.sub(r"^\{\{ (\S+\.csv) \}\}$", lambda found: table_of(ROOT / found[1]), markdown, flags=re.MULTILINE)


def table_of(path: Path, most: int | None = None) -> str:
    """A CSV as Markdown, its first rows where it is long."""
    with path.open(encoding="utf-8", newline="") as file:
        header, *rows = csv.reader(file)
    lines = [header, ["---"] * len(header), *rows[:most]]
    return "\n".join("| " + " | ".join(map(_as_it_is, line)) + " |" for line in lines)


def _as_it_is(cell: str) -> str:
    """Without what Markdown takes for a link, a bar, emphasis or a tag."""
    return re.sub(r"([\\`*_\[\]<|])", r"\\\1", cell)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the field guide, and of each committed study a page with its files."""
    files.append(File.generated(config, "studies/index.md", content=contents()))
    for folder in sorted(path.parent for path in REFERENCE.rglob("manifest.json")):
        name = folder.relative_to(REFERENCE).as_posix()
        files.append(File.generated(config, f"studies/{name}/index.md", content=study(folder)))
        for path in (*folder.glob("figures/*"), *folder.glob("tables/*")):
            files.append(
                File.generated(config, f"studies/{path.relative_to(REFERENCE).as_posix()}", abs_src_path=str(path))
            )
    for path in guide():
        files.append(File.generated(config, f"guide/{path.name}", abs_src_path=str(path)))
    return files


def contents() -> str:
    """The list of the studies."""
    pages = {path.parent.relative_to(REFERENCE).as_posix() for path in REFERENCE.rglob("manifest.json")}
    lines = ["# The studies", "", "As they were committed: what each claims, its figures, its tables.", ""]
    for name, entry in STUDIES.items():
        sizes = [page for page in sorted(pages) if page.rpartition("/")[2] == name]
        links = ", ".join(f"[{'as `make run` runs it' if page == name else page}]({page}/index.md)" for page in sizes)
        lines.append(f"- **{name}**: {entry.line}. {links or 'Not committed.'}")
    return "\n".join(lines)


def study(folder: Path) -> str:
    """One study as it was committed: its claims, figures and tables."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    versions = ", ".join(f"{name} {number}" for name, number in manifest["versions"].items())
    return "\n".join(
        [
            f"# {manifest['experiment']}",
            "",
            f"{STUDIES[manifest['experiment']].line[0].upper()}{STUDIES[manifest['experiment']].line[1:]}.",
            "",
            f"Made by `{manifest['command']}` in {manifest['seconds']:.0f} s, with {versions}.",
            "",
            "## What it claims",
            "",
            *(f"- {'✓' if held else '✗'} {claim}" for claim, held in manifest["claims"].items()),
            *(
                f"- {'✓' if manifest['verdicts'].get(name) == wanted else '✗'} {name}: `{wanted}`"
                for name, wanted in manifest["expected"].items()
            ),
            "",
            *_figures(folder),
            *_tables(folder),
        ]
    )


def _figures(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("figures/*")):
        title = _title(path)
        yield f"## {title}\n\n![{title}](figures/{path.name})\n"


def _tables(folder: Path) -> Iterator[str]:
    for path in sorted(folder.glob("tables/*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            rows = sum(1 for _ in csv.reader(file)) - 1
        first = f"The first {AT_MOST} of {rows} rows; " if rows > AT_MOST else ""
        yield f"## {_title(path)}\n\n{table_of(path, AT_MOST)}\n\n{first}[as CSV](tables/{path.name})\n"


def _title(path: Path) -> str:
    words = path.stem.replace("_", " ")
    return words[0].upper() + words[1:]


def guide() -> list[Path]:
    """The pages of the field guide, as the command line writes them."""
    folder = Path(tempfile.mkdtemp(prefix="gradient-diff-docs-")) / "guide"
    command = [sys.executable, "-m", "gradient_diff", "explain", "--all", "--out", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    return sorted(folder.glob("*.html"))
