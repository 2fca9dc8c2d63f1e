"""A derivation from somebody's file: imported from its own folder, under a name that no other module has."""

from __future__ import annotations

import ast
import inspect
import linecache
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

from gradient_diff.running.failing import Raised, is_his
from gradient_diff.running.script import Script, leaves
from gradient_diff.wording import printable

_PLACE = re.compile(r"(.*?\.py)(?::(.*))?", re.DOTALL | re.IGNORECASE)
_LISTED = 6
ENDING = ".py"


def is_code(file: Path) -> bool:
    """Whether it is no file of arrays, but of Python."""
    return file.suffix.lower() == ENDING


class Unloadable(ValueError):  # noqa: N818  # it is a state of the file
    """The file, or what was looked for in it, is not there."""


@dataclass(frozen=True)
class Place:
    """Where a derivation stands.

    Attributes:
        path: of the file.
        name: an expression in its module; empty where none was given.
        step: whether it is a training step (x, y), and no function (parameters, x, y).
    """

    path: Path
    name: str = ""
    step: bool = False

    @classmethod
    def of(cls, text: str, step: bool = False) -> Place:
        """Of `FILE.py` or `FILE.py:NAME`; another text is a ValueError."""
        found = _PLACE.fullmatch(text)
        if found is None:
            raise ValueError(f"{printable(text)}: expected FILE.py or FILE.py:NAME, such as net.py:gradients.")
        path, name = found[1], found[2]
        if name is not None:
            _check_expression(text, name.strip())
        return cls(Path(path), (name or "").strip(), step)

    @property
    def wanted(self) -> str:
        """What is looked for: the name that was given, or the one that such a function has."""
        return self.name or ("step" if self.step else "gradients")

    @property
    def form(self) -> str:
        """How it is called."""
        return "(x, y)" if self.step else "(parameters, x, y)"


def _check_expression(text: str, name: str) -> None:
    try:
        ast.parse(name, mode="eval")
    except (SyntaxError, ValueError):
        raise ValueError(
            f"{printable(text)}: {name!r} is no expression. Expected the name of a function in the file, such as "
            "net.py:gradients, or what makes one, such as 'net.py:Net(3, 2).step'."
        ) from None


@contextmanager
def at_home(path: Path) -> Iterator[None]:
    """Imports of the user's find what lies beside his file, as when Python runs it; no bytecode is left there."""
    folder, kept = str(path.resolve().parent), sys.dont_write_bytecode
    sys.path.insert(0, folder)
    sys.dont_write_bytecode = True
    try:
        yield
    finally:
        sys.dont_write_bytecode = kept
        if folder in sys.path:
            sys.path.remove(folder)


def load_derivation(place: Place) -> Callable[..., Any]:
    """Import the file and find the function; Unloadable says what is missing, Raised holds what his code raised."""
    module = _imported(place.path)
    if not place.name and place.wanted not in vars(module):
        return script_in(module, place)
    found = _evaluated(place, module)
    if isinstance(found, type) or not callable(found):
        what = "a class" if isinstance(found, type) else type(found).__name__
        raise Unloadable(
            f"{place.wanted} in {_shown(place)} is {what}: expected a function {place.form}. "
            "A method is named by what makes its object, such as 'net.py:Net(3, 2).step'."
        )
    return found


def script_in(module: ModuleType, place: Place) -> Callable[..., Any]:
    """A file without such a function, which leaves arrays: it is run as it is, each time anew."""
    if place.step or not any(True for name, v in vars(module).items() for _ in leaves(v, (name,))):
        raise _nothing(place, module)
    otherwise = str(_nothing(place, module)) if any(_offered(module)) else ""
    return Script.of(place.path, place.path.read_text("utf-8"), otherwise)


def _imported(path: Path) -> ModuleType:
    file, shown = path.resolve(), printable(str(path))
    if not file.is_file():
        what = "is a folder" if file.is_dir() else "there is no such file"
        raise Unloadable(f"{shown}: {what}. Expected a file of Python with your derivation in it.")
    name = f"_user_{path.stem}"
    spec = spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise Unloadable(f"{shown} is no file that Python imports.")
    linecache.checkcache(str(file))
    sys.modules[name] = module = module_from_spec(spec)  # dataclasses look their module up
    try:
        spec.loader.exec_module(module)
    except OSError as error:
        if is_his(error, file):
            raise Raised(error) from error
        raise Unloadable(f"{shown} cannot be opened: {error.strerror or error}.") from None
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if isinstance(error, SystemExit) and not is_his(error, file):
            raise
        raise Raised(error) from error
    return module


def _evaluated(place: Place, module: ModuleType) -> Any:
    """What the name means in the module; an object may be made on the way."""
    try:
        return eval(place.wanted, vars(module))  # the user names a thing in his own file
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        if is_his(error, place.path):
            raise Raised(error) from error
        if isinstance(error, NameError | AttributeError):
            raise _nothing(place, module) from None
        if isinstance(error, Exception):
            raise Unloadable(
                f"{place.wanted} in {_shown(place)}: {type(error).__name__}: {printable(str(error))}."
            ) from None
        raise


def _nothing(place: Place, module: ModuleType) -> Unloadable:
    here = list(_offered(module))
    more = ", …" * (len(here) > _LISTED)
    held = f"It has {', '.join(here[:_LISTED])}{more}." if here else "It defines no function."
    other = "" if place.step else ", or a training step (x, y) by --step"
    return Unloadable(
        f"{_shown(place)} has no {place.wanted}. Looked for a function {place.wanted}{place.form}. {held} "
        f"Name another by {printable(place.path.name)}:NAME{other}."
    )


def _offered(module: ModuleType) -> Iterator[str]:
    """The functions and classes that the module itself defines, as one would call them."""
    for name, value in list(vars(module).items()):
        if getattr(value, "__module__", None) != module.__name__ or name.startswith("_"):
            continue
        if inspect.isfunction(value):
            yield f"{name}{inspect.signature(value)}"
        elif inspect.isclass(value):
            yield f"class {name}"


def _shown(place: Place) -> str:
    return printable(str(place.path))
