"""What a result looks like, asked without knowing who draws it: `gradient_diff.render` registers its writers here.

The pages of the field guide that a report names are asked for in the same way: the guide is drawn as reports are, and
stands above them.
"""

from __future__ import annotations

from collections.abc import Collection
from functools import singledispatch
from importlib import import_module
from typing import TYPE_CHECKING, Any, NoReturn

from gradient_diff.plain import for_output, writable

if TYPE_CHECKING:
    import os
    from pathlib import Path

    import pandas as pd
    from matplotlib.figure import Figure

WRITERS = "gradient_diff.render"
"""Loaded by name once something is to be shown, since everything that can be shown lies below it."""
GUIDE = "gradient_diff.guide.folder"
"""Loaded by name once a report names a mistake."""


def printed(value: object) -> str:
    """As `print` shows it, where the standard output may know ASCII only."""
    with for_output():
        text = text_of(value)
    return writable(text)


@singledispatch
def text_of(value: object) -> str:
    """For a terminal."""
    return str(_asked_again(text_of, value))


@singledispatch
def html_of(value: object) -> str:
    """A piece of HTML, for a notebook."""
    return str(_asked_again(html_of, value))


@singledispatch
def markdown_of(value: object) -> str:
    """Markdown, for an issue or a pull request."""
    return str(_asked_again(markdown_of, value))


@singledispatch
def frame_of(value: object) -> pd.DataFrame:
    """A pandas DataFrame."""
    return _asked_again(frame_of, value)


@singledispatch
def figure_of(value: object) -> Figure:
    """A drawing on an Agg canvas."""
    return _asked_again(figure_of, value)


@singledispatch
def save_report(value: object, folder: str | os.PathLike[str]) -> Path:
    """Write tables, figures and a page into a folder, whole or not at all; return the page's path."""
    return _asked_again(save_report, value, folder)


def guide_pages(names: Collection[str], home: tuple[str, str]) -> dict[str, str]:
    """Of the field guide: mistake → its page, for a folder beside what names it, whose address and title is home."""
    pages: dict[str, str] = import_module(GUIDE).pages_beside(names, home) if names else {}
    return pages


def _asked_again(form: Any, value: object, *rest: object) -> Any:
    """By the writer of this type, which is known once the package of writers is loaded."""
    import_module(WRITERS)
    write = form.dispatch(type(value))
    return _refuse(form, value) if write is form.dispatch(object) else write(value, *rest)


def _refuse(form: Any, value: object) -> NoReturn:
    raise TypeError(f"{form.__name__}: nobody shows a {type(value).__name__} so.")
