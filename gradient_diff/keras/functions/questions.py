"""What a function's values say of its gradient: Ridders' differences entry by entry, or along directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.keras.functions.subject import Subject
from gradient_diff.witnesses.along_a_line import FINER, FIRST_STEP, POOR, Estimate, Line, Reach, derivative, sided
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

FEW = 16  # entries up to which each one is asked for
RANDOM_DIRECTIONS = 4  # through all entries of a large array
ENOUGH = 1e-10  # of the largest entry: no gradient has to be known better
SELECTED = 4  # of its entries: those with the largest gradient, and as many at random


@dataclass(frozen=True, eq=False)
class Question:
    """A direction in one array.

    Attributes:
        direction: of the array's shape.
        natural, widest: lengths over which the function may change.
        held: the largest number that moves: its rounding limits how small a step can be.
        entry: whether it is one entry's.
    """

    direction: Array
    natural: float
    widest: float
    held: float
    entry: bool = True

    @property
    def dwarfed(self) -> bool:
        """Whether it is one entry, far smaller than the others: steps that suit those leap over all it has."""
        return self.entry and 0 < FINER * self.held < self.natural

    @property
    def place(self) -> str:
        """The entry, or that it is none.

        Example:
            >>> entry_question(np.array([1.0, 2.0]), (1,)).place
            '[1]'
        """
        index = np.unravel_index(int(np.argmax(self.direction)), self.direction.shape)
        return str([int(i) for i in index]) if self.entry else "a random direction"


@dataclass(frozen=True, eq=False)
class Answers:
    """Derivatives along directions in one array, read from values alone.

    Attributes:
        shape: of the array.
        questions: those that have an answer.
        estimates: one each.
        unanswered: those that have none.
    """

    shape: tuple[int, ...]
    questions: tuple[Question, ...]
    estimates: tuple[Estimate, ...]
    unanswered: tuple[Question, ...]

    @property
    def whole(self) -> bool:
        """Whether every entry has been asked for and answered: then the answers are the gradient."""
        return len(self.questions) == int(np.prod(self.shape)) and all(q.entry for q in self.questions)

    @property
    def truth(self) -> Array:
        """The gradient, or the derivatives along the directions."""
        return self.shaped([e.value for e in self.estimates])

    @property
    def error(self) -> Array:
        """How far off each may be."""
        return self.shaped([e.error for e in self.estimates])

    def read(self, gradient: Array) -> Array:
        """What a gradient says of the same directions, in its own dtype."""
        if self.whole:
            return gradient
        g = np.asarray(gradient, np.float64)
        found = np.array([float(np.vdot(g, q.direction)) for q in self.questions])
        return found.astype(np.float32) if gradient.dtype == np.float32 else found

    def spread(self, sigma: Array) -> Array:
        """σ per entry, carried to the directions."""
        return self.shaped([float(np.sqrt(np.vdot(sigma**2, q.direction**2))) for q in self.questions])

    @property
    def words(self) -> str:
        """What has been asked."""
        entries = sum(q.entry for q in self.questions)
        asked = f"{entries} entries and {len(self.questions) - entries} random directions"
        return "every entry" if self.whole else asked

    def shaped(self, values: list[float]) -> Array:
        """One number per question, in the array's shape if every entry has one."""
        return np.array(values).reshape(self.shape) if self.whole else np.array(values)


def ask(subject: Subject, name: str, cotangents: Arrays, hand: Array | None) -> Answers:
    """Ridders' differences of Σ ⟨cotangent, output⟩ by one array.

    Args:
        subject: whose values are taken.
        name: of an input or weight.
        cotangents: by output.
        hand: its own gradient, which says where a large array is worth asking; None if there is none.

    Returns:
        The `Answers`.
    """
    asked = list(_questions(np.asarray(subject.point[name], np.float64), hand))
    estimates = [answer(subject, name, cotangents, q, hand) for q in asked]
    pairs = [(q, e) for q, e in zip(asked, estimates, strict=True) if e.known]
    questions, known = tuple(q for q, _ in pairs), tuple(e for _, e in pairs)
    missing = tuple(q for q, e in zip(asked, estimates, strict=True) if not e.known)
    return Answers(subject.point[name].shape, questions, known, missing)


def answer(subject: Subject, name: str, cotangents: Arrays, question: Question, hand: Array | None) -> Estimate:
    """The derivative along one direction."""
    reach = _reach(subject, name, cotangents, question)
    value = line(subject, name, cotangents, question.direction)
    enough = expected = 0.0
    if hand is not None and hand.shape == question.direction.shape:
        h = np.asarray(hand, np.float64)
        if np.isfinite(h).all():
            enough, expected = ENOUGH * float(np.abs(h).max()), float(np.vdot(h, question.direction))
    if not question.dwarfed:
        return derivative(value, reach, enough, expected)
    near = derivative(value, replace(reach, natural=question.held), enough, expected)
    if near.error <= max(POOR * abs(near.value), enough):
        return near
    return _nearer(near, derivative(value, reach, enough, expected))


def answer_sided(subject: Subject, name: str, cotangents: Arrays, question: Question) -> tuple[Estimate, Estimate]:
    """The derivatives to the left and to the right."""
    reach = _reach(subject, name, cotangents, question)
    value = line(subject, name, cotangents, question.direction)
    far = sided(value, reach)
    if not question.dwarfed:
        return far
    near = sided(value, replace(reach, natural=question.held))
    return _nearer(near[0], far[0]), _nearer(near[1], far[1])


def _nearer(near: Estimate, far: Estimate) -> Estimate:
    """The closer look, unless the other agrees with it and sees more: from afar a function may look like another."""
    return far if not near.known or (far.error < near.error and far.agrees(near)) else near


def _reach(subject: Subject, name: str, cotangents: Arrays, question: Question) -> Reach:
    """With the rounding of those outputs that the direction moves at all."""
    unit, start = UNITS[subject.dtype], subject.fast(subject.point)
    lengths = {FIRST_STEP * question.natural, FIRST_STEP * question.widest}
    places = [_place(subject, name, sign * t, question.direction) for t in lengths for sign in (-1, 1)]
    runs = [subject.fast(p) for p in places]
    squares = 0.0
    for n, a in start.items():
        moves = np.logical_or.reduce([run[n] != a for run in runs])
        squares += float(
            np.square(cotangents[n] * np.where(moves & (cotangents[n] != 0), np.asarray(a, np.float64), 0.0)).sum()
        )
    return Reach(question.natural, question.widest, unit * question.held, unit * float(np.sqrt(squares / 3)), unit)


def _place(subject: Subject, name: str, t: float, direction: Array) -> dict[str, Array]:
    origin = subject.point[name]
    return {**subject.point, name: (np.asarray(origin, np.float64) + t * direction).astype(origin.dtype)}


def line(subject: Subject, name: str, cotangents: Arrays, direction: Array) -> Line:
    """t → Σ ⟨cotangent, output⟩ at t along a direction, less its value at 0.

    The outputs are subtracted one by one, before they are summed: what does not change adds no rounding.
    """
    start = {n: np.asarray(a, np.float64) for n, a in subject.fast(subject.point).items()}

    def value(t: float) -> float:
        found = subject.fast(_place(subject, name, t, direction))
        changes = {n: np.asarray(a, np.float64) - start[n] for n, a in found.items()}
        return float(sum(np.vdot(cotangents[n], np.where(cotangents[n] == 0, 0.0, d)) for n, d in changes.items()))

    return value


def entry_question(x: Array, index: tuple[int, ...]) -> Question:
    """One entry."""
    unit = np.zeros(x.shape)
    unit[index] = 1.0
    size, own = _size(x), abs(float(x[index]))
    return Question(unit, size, max(size, own, 1.0), own)


def _questions(x: Array, hand: Array | None) -> Iterator[Question]:
    if x.size <= FEW:
        yield from (entry_question(x, index) for index in np.ndindex(x.shape))
        return
    rng = np.random.default_rng(0)
    yield from (entry_question(x, index) for index in _selected(x, hand, rng))
    size = _size(x)
    uneven = FINER * float(np.median(np.abs(x[x != 0]) if np.any(x) else 1.0)) < size
    for k in range(RANDOM_DIRECTIONS):
        signs = rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.5, x.shape)
        own = np.where(x == 0, 1.0, np.abs(x) / size)  # leaves a positive number positive
        held = float(np.abs(x).max())
        # From further away than its own size a function of many numbers may look smooth where it is not.
        # Where most entries are dwarfed by a few, a step that suits these would throw all others far away.
        yield Question(signs * own if k % 2 or uneven else signs, size, size, held, entry=False)


def _selected(x: Array, hand: Array | None, rng: np.random.Generator) -> list[tuple[int, ...]]:
    flat = list(rng.choice(x.size, SELECTED, replace=False))
    if hand is not None and hand.shape == x.shape:
        flat = [*np.argsort(-np.abs(hand), axis=None)[:SELECTED], *flat]
    return [tuple(int(i) for i in np.unravel_index(k, x.shape)) for k in dict.fromkeys(map(int, flat))]


def _size(x: Array) -> float:
    """Root mean square of the finite entries; 1 for zeros."""
    finite = np.abs(x[np.isfinite(x)])
    largest = float(finite.max(initial=0.0))
    return largest * float(np.sqrt(np.mean(np.square(finite / largest)))) if largest else 1.0
