"""What an `.npz` says of its arrays before any of them is unpacked."""

from __future__ import annotations

import zipfile
from pathlib import Path

from gradient_diff.wording import printable


def check_members(path: Path, most: int) -> None:
    """Refuse an archive with two arrays of one name, or with more than so many bytes of them."""
    if not zipfile.is_zipfile(path):
        return  # which its reader tells
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
    names = [member.filename.removesuffix(".npy") for member in members]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise ValueError(f"{path} holds two arrays called {', '.join(map(printable, twice))}. Save it again.")
    check_size(path, sum(member.file_size for member in members), most)


def check_size(path: Path, size: int, most: int) -> None:
    """Refuse arrays that take more bytes than that."""
    if size > most:
        raise ValueError(
            f"{path} holds {size:,} bytes of arrays, where {most:,} are the most that can be right. Nothing was read."
        )
