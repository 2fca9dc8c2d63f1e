"""What a sweep has computed, on disk block by block: one that was cut off goes on where it was."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from experiments.frame.study import Settings

ROOT = Path(__file__).parents[2]
PACKAGES = ("manual_mlp", "gradient_diff", "keras_mlp", "experiments")
LIBRARIES = ("numpy", "tensorflow", "keras")
KIND = "is a"  # of what JSON has no word for


@dataclass(frozen=True)
class Kept:
    """A folder of blocks; each by a digest of what was asked, of this code and of the libraries that computed it."""

    folder: Path

    @classmethod
    def of(cls, settings: Settings) -> Kept | None:
        """None where a study is run for its result alone, with no folder to write into."""
        return cls(settings.kept) if settings.kept else None

    def load(self, function: Callable[..., Any], items: Sequence[Any]) -> list[Any] | None:
        """The results of a block, None where it is to be computed."""
        path = self._path(function, items)
        try:
            return [_decoded(r) for r in json.loads(path.read_text("utf-8"))]
        except FileNotFoundError:
            return None

    def save(self, function: Callable[..., Any], items: Sequence[Any], results: Sequence[Any]) -> list[Any]:
        """Whole or not at all: what is half written would be taken for done. The results, as `load` will give them."""
        path = self._path(function, items)
        self.folder.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(".part")
        text = json.dumps([_encoded(r) for r in results])
        unfinished.write_text(text, encoding="utf-8")
        unfinished.replace(path)
        return [_decoded(r) for r in json.loads(text)]

    def clear(self) -> None:
        """All is done, and nobody needs the blocks again."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, function: Callable[..., Any], items: Sequence[Any]) -> Path:
        asked = f"{_name(function)} {list(items)!r} {computed_by()}"
        return self.folder / f"{hashlib.sha256(asked.encode()).hexdigest()}.json"


def _name(function: Callable[..., Any]) -> str:
    if isinstance(function, partial):
        return f"{_name(function.func)} {function.args!r} {function.keywords!r}"
    return f"{function.__module__}:{function.__qualname__}"


@cache
def computed_by(root: Path = ROOT) -> str:
    """Results of two versions of the code must not stand in one table."""
    digest = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _encoded(value: Any) -> Any:
    """Records, tuples and enum members with their kind; numbers as Python's, to the last bit."""
    if isinstance(value, Enum):
        return {KIND: _kind(value), "name": value.name}
    if dataclasses.is_dataclass(value):
        fields = {f.name: _encoded(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {KIND: _kind(value), "fields": fields}
    if isinstance(value, tuple):
        return {KIND: "tuple", "of": [_encoded(v) for v in value]}
    if isinstance(value, list):
        return [_encoded(v) for v in value]
    if isinstance(value, dict) and KIND not in value and all(isinstance(k, str) for k in value):
        return {k: _encoded(v) for k, v in value.items()}
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise TypeError(f"A sweep keeps records, tuples, lists, texts and Python's numbers, not {value!r}.")


def _decoded(value: Any) -> Any:
    if isinstance(value, list):
        return [_decoded(v) for v in value]
    if not isinstance(value, dict):
        return value
    if KIND not in value:
        return {k: _decoded(v) for k, v in value.items()}
    if value[KIND] == "tuple":
        return tuple(_decoded(v) for v in value["of"])
    module, _, name = value[KIND].partition(":")
    if module.partition(".")[0] not in PACKAGES:
        raise ValueError(f"{value[KIND]} is no record of this project.")
    made = getattr(importlib.import_module(module), name)
    return made[value["name"]] if "name" in value else made(**{k: _decoded(v) for k, v in value["fields"].items()})


def _kind(value: Any) -> str:
    return f"{type(value).__module__}:{type(value).__qualname__}"
