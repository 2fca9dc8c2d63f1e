"""What a name says: `W1`, `fc1.weight`, `params/Dense_0/kernel`, `dense/kernel:0`."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

_OF_A_GRADIENT = r"(?:grad|nabla|delta|d(?:[a-z]?d)?)?"
_KERNEL = re.compile(rf"{_OF_A_GRADIENT}(?:w|weights?|kernels?|theta|coefs?)(?:grad)?")
_BIAS = re.compile(rf"{_OF_A_GRADIENT}(?:b|bias|biases|intercepts?)(?:grad)?")
_IDLE = re.compile(r"grads?|gradients?|nabla|delta|d[a-z]?")
_PLACE = re.compile(r"(?:arr_)?(0|[1-9]\d*)")


@dataclass(frozen=True)
class Word:
    """A name taken apart: is it a bias, the words that name its layer, and the numbers among them."""

    bias: bool
    layer: tuple[str, ...]
    numbers: tuple[int, ...]


def read_word(name: str) -> Word | None:
    """What a name says; None where it speaks neither of a weight nor of a bias."""
    parts = re.findall(r"[^\W\d_]+|\d+", re.sub(r":\d+$", "", name))
    kinds = [i for i, part in enumerate(parts) if _is_kind(part)]
    if not kinds:
        return None
    last = kinds[-1]
    rest = [p for i, p in enumerate(parts) if i != last and not _IDLE.fullmatch(p.lower())]
    numbers = tuple(int(p) for p in rest if p.isdecimal())
    texts = tuple(p for p in rest if not p.isdecimal())
    return Word(bool(_BIAS.fullmatch(parts[last].lower())), texts, numbers)


def _is_kind(part: str) -> bool:
    return bool(_KERNEL.fullmatch(part.lower()) or _BIAS.fullmatch(part.lower()))


def in_places(names: Iterable[str]) -> list[str] | None:
    """The names in their order, if they are nothing but 0 to n − 1, as a list's are, or `arr_0` and so on."""
    every = list(names)
    places = {int(found[1]): n for n in every if (found := _PLACE.fullmatch(n))}
    return [places[i] for i in range(len(every))] if sorted(places) == list(range(len(every))) else None


def plain_spelling(name: str, known: Iterable[str]) -> str | None:
    """The known name that this one is, without `:0`, a prefix, dots for slashes, or the word for a gradient."""
    bare = re.sub(r":\d+$", "", name).replace(".", "/")
    ends = [k for k in known if bare == k or bare.endswith(f"/{k}")]
    return max(ends, key=len, default=None)
