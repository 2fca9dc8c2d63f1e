"""Names are matched exactly, renamed by rule; bare lists are taken only where they fit."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from gradient_diff.wording import printable, shape
from manual_mlp import Array, gradient_node
from manual_mlp.extend import Arrays, variable_of

Rule: TypeAlias = tuple[re.Pattern[str], str]

_ARROW = "=>"
_PLACE = re.compile(r"(?:arr_)?(0|[1-9]\d*)")
_MOST_LISTED = 40


def read_rules(texts: Sequence[str]) -> list[Rule]:
    r"""Rules for names, as they are written on the command line."""
    return [_rule(text) for text in texts]


def _rule(text: str) -> Rule:
    pattern, arrow, replacement = text.partition(_ARROW)
    if not arrow or not pattern:
        raise ValueError(
            rf"'{printable(text)}' is no rule: expected 'PATTERN=>TEXT', such as 'W(\d+)=>dense_\1/kernel'."
        )
    try:
        compiled = re.compile(pattern)
        compiled.sub(replacement, "")  # also tells of a group that there is none of
    except (re.error, IndexError) as error:
        raise ValueError(f"'{printable(text)}' is no rule: {error}.") from None
    return compiled, replacement


def renamed(arrays: Arrays, rules: Sequence[Rule]) -> dict[str, Array]:
    r"""The arrays under the names that the rules give them, one rule after the other."""
    names = {name: name for name in arrays}
    for pattern, text in rules:
        names = {old: _replaced(pattern, text, name) for old, name in names.items()}
    _check_apart(names)
    return {names[name]: array for name, array in arrays.items()}


def _replaced(pattern: re.Pattern[str], text: str, name: str) -> str:
    """As re.sub, but the empty match right behind another is none: `.*` means a name once."""
    end = -1

    def put(match: re.Match[str]) -> str:
        nonlocal end
        behind = match.start() == match.end() == end
        end = match.end()
        return "" if behind else match.expand(text)

    return pattern.sub(put, name)


def unused_rules(names: Iterable[str], rules: Sequence[Rule]) -> list[Rule]:
    r"""The rules whose pattern is found in no name."""
    now, unused = list(names), []
    for pattern, text in rules:
        if not any(pattern.search(name) for name in now):
            unused.append((pattern, text))
        now = [_replaced(pattern, text, name) for name in now]
    return unused


def _check_apart(names: Mapping[str, str]) -> None:
    """Old name → new name: no two may come to one."""
    first: dict[str, str] = {}
    for old, new in names.items():
        if new in first:
            both = f"{printable(first[new])} and {printable(old)}"
            raise ValueError(f"{both} would both be called {printable(new)}. Use rules that keep them apart.")
        first[new] = old


def matched(arrays: Arrays, parameters: Arrays, others: Sequence[str] = ()) -> dict[str, Array]:
    """The arrays under the reference's names, where they can be known without a guess.

    `dense_1/kernel` and `dense_1/dE_dkernel` are one name. Arrays without names (`arr_0`, `arr_1`, …) are taken in
    order if their number and shapes are just those of the parameters.
    """
    known = dict.fromkeys([*parameters, *others])
    if not known.keys() & arrays.keys() and _positions(arrays) is not None:
        return by_position(arrays, parameters)
    spelt = {name: _spelling(name, known) for name in arrays}
    _check_apart(spelt)
    if not known.keys() & spelt.values():
        raise ValueError(
            f"No name is known to both sides. Here: {shaped(arrays)}. "
            f"The reference: {shaped(parameters) or listed(others)}. "
            "Rename with --rename 'PATTERN=>TEXT', or save under the reference's names."
        )
    return {spelt[name]: array for name, array in arrays.items()}


def _spelling(name: str, known: Mapping[str, Any]) -> str:
    """The reference's spelling, where it is the gradient's node for a parameter, or the other way round."""
    for other in (name, gradient_node(name) if "/" in name else name, variable_of(name)):
        if other in known:
            return other
    return name


def by_position(arrays: Arrays, parameters: Arrays) -> dict[str, Array]:
    """Arrays without names in the order of the parameters."""
    ordered = [arrays[name] for name in _positions(arrays) or arrays]
    if [a.shape for a in ordered] != [a.shape for a in parameters.values()]:
        raise ValueError(
            "Arrays without names are taken in order only if their number and shapes are the parameters'. "
            f"Here: {shaped(arrays)}. The reference: {shaped(parameters) or 'keeps no order of its arrays'}. "
            "Save them with their names, or rename with --rename 'PATTERN=>TEXT'."
        )
    return dict(zip(parameters, ordered, strict=True))


def _positions(arrays: Arrays) -> list[str] | None:
    """The names in their order, if they are nothing but 0 to n − 1."""
    places = {int(found[1]): name for name in arrays if (found := _PLACE.fullmatch(name))}
    if len(places) != len(arrays) or sorted(places) != list(range(len(arrays))):
        return None
    return [places[i] for i in range(len(arrays))]


def shaped(arrays: Arrays) -> str:
    """Names with their shapes, for an error text."""
    return listed(f"{name} {shape(array.shape)}" for name, array in arrays.items())


def listed(names: Iterable[str]) -> str:
    """Names in one line, the first of very many."""
    every = [printable(name) for name in names]
    more = f", … ({len(every)} in all)" if len(every) > _MOST_LISTED else ""
    return ", ".join(every[:_MOST_LISTED]) + more
