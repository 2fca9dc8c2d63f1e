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
    r"""Rules for names, as they are written on the command line.

    Args:
        texts: `PATTERN=>TEXT` each: a regular expression, and what takes the place of what it finds.

    Returns:
        (pattern, text) each.

    Raises:
        ValueError: there is no `=>`, or the expression or the text makes no sense.

    Example:
        >>> read_rules([r"fc(\d+)\.weight=>dense_\1/kernel"])[0][1]
        'dense_\\1/kernel'
    """
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
    r"""The arrays under the names that the rules give them, one rule after the other.

    Args:
        arrays: name → array.
        rules: from `read_rules`; each is applied wherever its pattern is found in a name, and nowhere else.

    Returns:
        name → array, in the same order.

    Raises:
        ValueError: two arrays come to one name.

    Example:
        >>> import numpy as np
        >>> list(renamed({"W1": np.eye(2), "b1": np.ones(2)}, read_rules([r"W(\d)=>dense_\1/kernel", "b1=>c"])))
        ['dense_1/kernel', 'c']
    """
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
    r"""The rules whose pattern is found in no name.

    Args:
        names: of the arrays, before any rule.
        rules: from `read_rules`, applied one after the other.

    Returns:
        Those rules.

    Example:
        >>> [pattern.pattern for pattern, _ in unused_rules(["W1"], read_rules([r"W=>k", r"k=>m", "b=>c"]))]
        ['b']
    """
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

    Args:
        arrays: name → array.
        parameters: the reference's, name → array of the gradient's shape; in order, or empty if no order is known.
        others: more names that the reference has.

    Returns:
        name → array. A name that the reference has not stays as it is: that is `compare`'s to say.

    Raises:
        ValueError: no name is the reference's, or a list does not fit; both sides' names are listed.

    Example:
        >>> import numpy as np
        >>> list(matched({"d/kernel": np.eye(2)}, {"d/dE_dkernel": np.eye(2)}))
        ['d/dE_dkernel']
        >>> list(matched({"arr_0": np.eye(2), "arr_1": np.ones(2)}, {"d/kernel": np.eye(2), "d/bias": np.ones(2)}))
        ['d/kernel', 'd/bias']
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
    """Arrays without names in the order of the parameters.

    Args:
        arrays: `arr_0`, `arr_1`, … or `0`, `1`, … → array.
        parameters: name → array, in order.

    Returns:
        The parameters' names → array.

    Raises:
        ValueError: their number or shapes are not those of the parameters.

    Example:
        >>> import numpy as np
        >>> list(by_position({"arr_0": np.ones(2)}, {"d/bias": np.zeros(2)}))
        ['d/bias']
    """
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
    """Names with their shapes, for an error text.

    Example:
        >>> import numpy as np
        >>> shaped({"w": np.eye(2)})
        'w (2, 2)'
    """
    return listed(f"{name} {shape(array.shape)}" for name, array in arrays.items())


def listed(names: Iterable[str]) -> str:
    """Names in one line, the first of very many."""
    every = [printable(name) for name in names]
    more = f", … ({len(every)} in all)" if len(every) > _MOST_LISTED else ""
    return ", ".join(every[:_MOST_LISTED]) + more
