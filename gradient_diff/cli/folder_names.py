"""Folders named after files: safe on every system, and no two alike."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from pathlib import Path

from gradient_diff.files.reading import ENDINGS
from gradient_diff.names import readable_name
from gradient_diff.running.loading import ENDING

_RESERVED = re.compile(r"(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?", re.IGNORECASE)  # devices of Windows
LONGEST = 60  # characters; as UTF-8 at most 240 bytes, of the 255 that file systems allow


def folder_names(files: Sequence[Path], taken: Collection[str] = ()) -> list[str]:
    """A folder's name for each file: its stem, with that of its folder where stems are alike."""
    stems = [safe(stem(file)) for file in files]
    others = {name.casefold() for name in taken}
    folded = [one.casefold() for one in stems]
    alike = {fold for fold in folded if folded.count(fold) > 1 or fold in others}
    longer = [
        safe(f"{file.parent.name}_{stem(file)}") if fold in alike and file.parent.name else name
        for file, name, fold in zip(files, stems, folded, strict=True)
    ]
    return _unlike(longer, others)


def stem(file: Path) -> str:
    """The name without the ending: of `a.weights.h5` it is `a`."""
    known = next((ending for ending in (*ENDINGS, ENDING) if file.name.lower().endswith(ending)), "")
    return file.name[: len(file.name) - len(known)]


def safe(text: str) -> str:
    """Text as the name of one folder."""
    name = readable_name(text, keep=".-").lstrip(".-")[:LONGEST].rstrip(".") or "file"
    return f"{name}_" if _RESERVED.fullmatch(name) else name


def _unlike(names: Sequence[str], others: Collection[str]) -> list[str]:
    """The second of one name gets a number."""
    taken = {"summary.csv", *others}
    unlike = []
    for name in names:
        choices = (name if i == 1 else f"{name}-{i}" for i in range(1, len(names) + len(taken) + 1))
        chosen = next(c for c in choices if c.casefold() not in taken)
        taken.add(chosen.casefold())
        unlike.append(chosen)
    return unlike
