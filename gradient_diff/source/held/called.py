"""What names say of arrays: asked last, after values, shapes and what hangs on what."""

from __future__ import annotations

import re

from gradient_diff.layouts.words import read_word

_GRADIENT = re.compile(
    r"d_?(?:w|b|weights?|bias(?:es)?|kernels?|thetas?|params?)\d*|g[wb]\d*|.*(?:grad|nabla).*", re.IGNORECASE
)
_RATE = re.compile(r"(?:.*[^a-z])?(?:lr|eta|alpha|η|α|learning_?rate|l_?rate|rate|step_?size)\d*", re.IGNORECASE)


def is_called_gradient(path: str) -> bool:
    """Whether the last name of a path is one that people give to gradients."""
    return _GRADIENT.fullmatch(_last(path)) is not None


def is_called_rate(path: str) -> bool:
    """Whether it is one that people give to a learning rate."""
    return _RATE.fullmatch(_last(path)) is not None


def strange_words(path: str) -> int:
    """Words of the last name that are none of a weight; a name that speaks of no weight at all has one more."""
    word = None if is_called_gradient(path) else read_word(_last(path))
    return 2 if word is None else len(word.layer)


def _last(path: str) -> str:
    """The name that ends a path, or its key."""
    return next(reversed(re.findall(r"[^\W\d]\w*", path)), path)
