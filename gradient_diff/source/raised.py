"""One exception in a user's code: which operands met, where they come from, which equation takes them, what fits."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from gradient_diff.names import node_words
from gradient_diff.shapes.explain import explain_parts
from gradient_diff.shapes.operands import Operand
from gradient_diff.source.editing import Text
from gradient_diff.source.events import Act
from gradient_diff.source.failing import Failing, operands_of
from gradient_diff.source.forms import Recognised
from gradient_diff.source.mended import Mended, mended
from gradient_diff.source.positions import Place
from gradient_diff.source.scene import Scene, as_array
from manual_mlp import Equation, Problem
from manual_mlp.extend import Shape, show

MOST_LISTED = 6
_OF_OPERANDS = ("one_dimensional", "dot_of_vectors", "broadcast")  # slips that operands alone show


@dataclass(frozen=True, eq=False)
class Raised:
    """One exception.

    Attributes:
        error: itself.
        failing: the expression that raised: its `.place`, `.node` and `.operands`.
        again: the second run, recorded, up to there; None where it went otherwise.
        problem: what the code was called on; None where no network is known.
        met: (operand, its value, what it was recognised as) of each operand that is an array, a number or a list.
        right: what should stand there: `.text`, and `.name`, as what it was recognised; None where nothing fits.
        made: (operand that is no whole piece, where it was made, of what).
        mended_source: the file with what should stand there.
    """

    error: Exception
    failing: Failing
    again: Scene | None
    problem: Problem | None

    def lines(self) -> Iterator[str]:
        said = [*self._operands(), *self._missing(), *self._equation()]
        if said:
            yield from self._where()
            yield from said

    def _where(self) -> Iterator[str]:
        """The source line with a caret under what raised."""
        place, lines = self.failing.place, self.failing.lines
        first, last, column, behind = place.span
        line = lines[first - 1].rstrip("\n")
        start = len(line.encode()[:column].decode())
        end = len(line.encode()[:behind].decode()) if first == last else len(line)
        margin = len(line) - len(line.lstrip())
        yield f"{Path(place.file).name}:{first}, in {place.function}:"
        yield f"    {line[margin:]}"
        yield f"    {' ' * (start - margin)}{'^' * max(end - start, 1)}"

    @cached_property
    def met(self) -> list[tuple[str, Any, Recognised | None]]:
        """(operand, its value, what it is) of all that are arrays, numbers or lists of these."""
        own = Scene(self.failing, self.again.problem) if self.again else None
        pairs = zip(self.failing.operands, (self.again or self).failing.operands, strict=False)
        found = []
        for node, same in pairs:
            if isinstance(node, ast.Constant | ast.Slice | ast.Tuple | ast.List):
                continue
            value = _value_of(own, self.failing, node)
            recorded = None if self.again is None else self.again.value(same)
            name = None if self.again is None else self.again.recognise(recorded)
            value = recorded if value is None else value
            if as_array(value) is not None:
                found.append((self.failing.text(node), value, name))
        return found

    @cached_property
    def mended_source(self) -> str | None:
        """The file with what should stand there; None where that is not known."""
        if self.again is None or self.right is None:
            return None
        failing = self.failing
        longer = [n for n in failing.outer if failing.text(n) == self.right.instead_of]
        return Text(failing.lines).replaced(longer[0] if longer else failing.whole, self.right.text)

    @cached_property
    def right(self) -> Mended | None:
        """What should stand there."""
        return None if self.again is None or not self.met else mended(self.again)

    def _operands(self) -> Iterator[str]:
        if self.met:
            read = self._read_by_the_right
            yield "; ".join(_described(*one, read, known=self.again is not None) for one in self.met) + "."
        if self.again is not None:
            yield from self._parts(self.again)
        for text, place, of in self.made:
            here = place.file == self.failing.place.file
            line = f": {self.failing.lines[place.line - 1].strip()}" if here else f" of {Path(place.file).name}"
            yield f"`{text}` was made in line {place.line}{f', from {of}' if of else ''}{line}"

    def _parts(self, again: Scene) -> Iterator[str]:
        """Of an operand that is unknown, what it is computed of."""
        for node in again.failing.operands:
            if isinstance(node, ast.BinOp | ast.Call) and again.recognise(again.value(node)) is None:
                names = [(again.failing.text(n), again.recognise(again.value(n))) for n in operands_of(node)]
                known = [f"`{text}` is {_meant(name, ())}" for text, name in names if name is not None]
                if known:
                    yield f"In `{again.failing.text(node)}`, {' and '.join(known)}."

    @property
    def _read_by_the_right(self) -> tuple[str, ...]:
        """The operands of the equation that should stand there: of two names for one value, these are meant."""
        equation = None if self.right is None else self._of_node(self.right.name.node)
        return () if equation is None else equation.operands

    @cached_property
    def made(self) -> list[tuple[str, Place, str]]:
        """(operand that is no whole piece, where it was made, of what)."""
        return [] if self.again is None else list(self._made(self.again))

    def _made(self, again: Scene) -> Iterator[tuple[str, Place, str]]:
        here = (self.failing.place.file, self.failing.place.line)
        for node in self._unusual(again):
            value, name = as_array(again.value(node)), again.recognise(again.value(node))
            event = next((e for e in reversed(again.run.events) if e.places and _is(e.value, value)), None)
            if event is None or any((p.file, p.line) == here for p in event.places):
                continue
            if name is None or event.act is Act.SELECTS:
                known = [again.recognise(o) for o in event.operands if o.ndim] if name is None else []
                yield again.failing.text(node), event.places[0], " and ".join(_meant(n, ()) for n in known if n)

    def _unusual(self, again: Scene) -> Iterator[ast.expr]:
        """Operands that are no piece, or one in a shape that was asked for; of a part of what is unknown, all."""
        for node in again.failing.operands:
            name = again.recognise(again.value(node))
            asked = ("row", "column") if self.right is not None else ("row", "column", "ᵀ")
            if as_array(again.value(node)) is None or (name is not None and name.form.how not in asked):
                continue
            base = node.value if isinstance(node, ast.Subscript) else node
            whole = as_array(again.value(base))
            yield base if whole is not None and whole.ndim and again.recognise(whole) is None and whole.any() else node

    def _missing(self) -> Iterator[str]:
        """What an index or a key asked for, and what there is; of lists, that they do not calculate."""
        node = self.failing.node
        lists = [text for text, value, _ in self.met if isinstance(value, list | tuple)]
        if isinstance(self.error, TypeError) and isinstance(node, ast.BinOp | ast.AugAssign) and lists:
            yield f"A list does not calculate entry by entry: np.array({lists[0]}) does."
        if not isinstance(node, ast.Subscript) or not isinstance(self.error, KeyError | IndexError):
            return
        owner = _value_of(None, self.failing, node.value)
        text = self.failing.text(node.value)
        if isinstance(owner, Mapping) and isinstance(self.error, KeyError):
            yield _no_key(text, owner, self.error.args[0] if self.error.args else "")
        elif isinstance(owner, list | tuple):
            index = _value_of(None, self.failing, node.slice)
            yield f"`{text}` has {len(owner)} entries, counted from 0; `{self.failing.text(node.slice)}` is {index}."

    def _equation(self) -> Iterator[str]:
        if self.again is None or self.problem is None or not self.met:
            return
        right = self.right
        names = [name for _, _, name in self.met if name is not None]
        if right is not None:
            equation = self._of_node(right.name.node)
            if equation is not None:
                yield f"{_title(equation)}: {self._with_shapes(equation)}"
            that = "it" if right.at == right.text else f"`{right.at}`"
            instead = f" for {right.instead_of}" * bool(right.instead_of)
            yield f"Write {right.text}{instead}\nTried: {that} is {right.name.words}."
            return
        yield from self._without_mending(names)

    def _of_node(self, node: str) -> Equation | None:
        assert self.again is not None
        equations = self.again.known.ladder.equations
        layer, _, kind = node.partition("/")
        return equations.get(node) or (equations.get(f"{layer}/u") if kind == "z_prev W" else None)

    def _without_mending(self, names: Sequence[Recognised]) -> Iterator[str]:
        """The equations that take these operands; where none takes them together, what takes each."""
        assert self.again is not None
        equations = list(self.again.known.ladder.equations.values())
        roles = [{n for n in name.nodes if not n.startswith("loss")} for name in names]
        together = [e for e in equations if len(roles) > 1 and all(r & set(e.operands) for r in roles)]
        for equation in together[:2]:
            yield f"{_title(equation)}: {self._with_shapes(equation)}"
            yield from self._slip(equation)
        if not together and len(names) > 1:
            yield f"No equation of this network takes {' and '.join(_meant(n, ()) for n in names)} together."
            for node in dict.fromkeys(_meant_node(n, ()) for n in names):
                for e in [e for e in equations if node in e.operands and len(e.operands) > 1][:2]:
                    yield f"{node_words(node)} stands in {e.formula} of {e.layer}, with {_others(e, node)}."

    def _slip(self, equation: Equation) -> Iterator[str]:
        arrays = [(text, as_array(value)) for text, value, _ in self.met]
        parts = tuple(Operand(text, a.shape, a) for text, a in arrays if a is not None)
        target = tuple(int(n) for n in self._shapes[equation.node])
        found = explain_parts(parts, target)
        yield from (str(s) for s in found.slips if s.id in _OF_OPERANDS)

    def _with_shapes(self, equation: Equation) -> str:
        return f"{equation.formula}, {equation.render_shapes(self._shapes)}."

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        assert self.problem is not None
        shapes: dict[str, Shape] = {n: np.shape(a) for n, a in self.problem.environment.items()}
        for fused in (False, True)[: 1 + self.problem.mlp.fuses(self.problem.loss)]:
            for equation in replace(self.problem, fused=fused).equations:
                shapes[equation.node] = equation.shape(shapes)
        return shapes


def _title(equation: Equation) -> str:
    return node_words(equation.node)


def _others(equation: Equation, node: str) -> str:
    return " and ".join(node_words(o) for o in equation.operands if o != node)


def _value_of(scene: Scene | None, failing: Failing, node: ast.expr) -> Any:
    """From the frame in which it raised first, whose shapes are the caller's."""
    return (scene or Scene(failing, None)).value(node)  # type: ignore[arg-type]  # a value needs no problem


def _described(text: str, value: Any, name: Recognised | None, read: tuple[str, ...], known: bool) -> str:
    array = as_array(value)
    of = type(value).__name__ + " " if isinstance(value, list | tuple) else ""
    shape = "" if array is None else f" {of}{show(array.shape)}" if array.ndim else ""
    if name is not None:
        return f"`{text}`{shape} is {_meant(name, read)}"
    if array is not None and array.ndim and not array.any():
        return f"`{text}`{shape} is all zeros"
    return f"`{text}`{shape}{' is nothing that this network knows' * known}"


def _meant(name: Recognised, read: tuple[str, ...]) -> str:
    return name.words.replace(node_words(name.node), node_words(_meant_node(name, read)))


def _meant_node(name: Recognised, read: tuple[str, ...]) -> str:
    """Of several nodes of this value the one that is read, else δ, which a linear layer's equations read."""
    node = next((n for n in name.nodes if n in read), None)
    return node or next((n for n in name.nodes if n.endswith("/dE_du")), name.node)


def _is(a: Any, b: Any) -> bool:
    return b is not None and a.shape == b.shape and bool(np.array_equal(a, b))


def _no_key(text: str, owner: Mapping[Any, Any], key: object) -> str:
    keys = [repr(k) for k in owner]
    near = difflib.get_close_matches(str(key), [str(k) for k in owner], 1, 0.5)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return f"`{text}` has no {key!r}: it has {', '.join(keys[:MOST_LISTED])}{', …' * (len(keys) > MOST_LISTED)}.{meant}"
