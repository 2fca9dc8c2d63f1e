"""What is not looked into: the standard library's objects, those of installed packages, and the house's own."""

from __future__ import annotations

import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType

_HOUSE = ("gradient_diff", "manual_mlp", "keras_mlp")


def is_foreign(module: str | None, own: frozenset[str] = frozenset()) -> bool:
    """Whether what is defined in a module is a library's; `own` are packages whose code is under test."""
    package = (module or "builtins").partition(".")[0]
    return package not in own and _is_library(package)


def package_of(thing: object) -> str:
    """The outermost package in which a function or a class is defined."""
    return str(getattr(thing, "__module__", None) or "__main__").partition(".")[0]


@cache
def _is_library(package: str) -> bool:
    if package in _HOUSE or package in sys.builtin_module_names:
        return True
    module = sys.modules.get(package)
    if package == "__main__" or module is None:
        return False
    return package in sys.stdlib_module_names or _is_installed(module)


def _is_installed(module: ModuleType) -> bool:
    spec = vars(module).get("__spec__")
    file = vars(module).get("__file__") or next(iter(getattr(spec, "submodule_search_locations", None) or ()), None)
    paths = sysconfig.get_paths()
    return isinstance(file, str) and any(Path(file).is_relative_to(paths[k]) for k in ("purelib", "platlib"))
