"""What a function's values say of its gradient: Ridders' differences entry by entry, or along directions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from gradient_diff.backward.subject import Subject
from gradient_diff.witnesses.along_a_line import FINER, FIRST_STEP, POOR, Estimate, Line, Reach, derivative, sided
from gradient_diff.witnesses.jumps import Jump, jump_of
from manual_mlp import Array
from manual_mlp.extend import UNITS, Arrays

FEW = 16  # entries up to which each one is asked for
RANDOM_DIRECTIONS = 4  # through all entries of a large array
ENOUGH = 1e-10  # of the largest entry: no gradient has to be known better
SELECTED = 4  # of its entries: those with the largest gradient, and as many at random


@dataclass(frozen=True, eq=False)
class Direction:
    """A direction in one array: one entry's, or a random one.

    `natural`, `widest` are lengths over which the function may change; `held` is the largest number that moves: its
    rounding limits how small a step can be.
    """

    vector: Array
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
        """The entry, or that it is none."""
        index = np.unravel_index(int(np.argmax(self.vector)), self.vector.shape)
        return str([int(i) for i in index]) if self.entry else "a random direction"


@dataclass(frozen=True, eq=False)
class Jumping:
    """A direction along which the values jump just here, and their slopes on both sides."""

    direction: Direction
    jump: Jump
    below: Estimate
    above: Estimate


@dataclass(frozen=True, eq=False)
class Derivatives:
    """Derivatives along directions in one array, read from values alone.

    `jumps` are those where the values jump, `unknown` those that have none for another reason.
    """

    shape: tuple[int, ...]
    directions: tuple[Direction, ...]
    estimates: tuple[Estimate, ...]
    unknown: tuple[Direction, ...]
    jumps: tuple[Jumping, ...] = ()

    @property
    def whole(self) -> bool:
        """Whether every entry has been asked for and answered: then the answers are the gradient."""
        return len(self.directions) == int(np.prod(self.shape)) and all(d.entry for d in self.directions)

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
        found = np.array([float(np.vdot(g, d.vector)) for d in self.directions])
        return found.astype(np.float32) if gradient.dtype == np.float32 else found

    def spread(self, sigma: Array) -> Array:
        """σ per entry, carried to the directions."""
        return self.shaped([float(np.sqrt(np.vdot(sigma**2, d.vector**2))) for d in self.directions])

    @property
    def at_jumps(self) -> Array:
        """Of which entries it is known that the values jump there."""
        found = [j.direction.vector != 0 for j in self.jumps if j.direction.entry]
        return np.logical_or.reduce(found) if found else np.zeros(self.shape, bool)

    @property
    def words(self) -> str:
        """What has been asked."""
        entries = sum(d.entry for d in self.directions)
        asked = f"{entries} entries and {len(self.directions) - entries} random directions"
        return "every entry" if self.whole else asked

    def shaped(self, values: list[float]) -> Array:
        """One number per direction, in the array's shape if every entry has one."""
        return np.array(values).reshape(self.shape) if self.whole else np.array(values)


def derivatives_of(subject: Subject, name: str, cotangents: Arrays, hand: Array | None) -> Derivatives:
    """Ridders' differences of Σ ⟨cotangent, output⟩ by one array.

    `hand` is its own gradient, which says where a large array is worth asking; None if there is none.
    """
    asked = list(_directions(np.asarray(subject.point[name], np.float64), hand))
    jumps = tuple(j for d in asked if (j := _jumping(subject, name, cotangents, d)))
    smooth = [d for d in asked if all(j.direction is not d for j in jumps)]
    estimates = [derivative_along(subject, name, cotangents, d, hand) for d in smooth]
    pairs = [(d, e) for d, e in zip(smooth, estimates, strict=True) if e.known]
    directions, known = tuple(d for d, _ in pairs), tuple(e for _, e in pairs)
    missing = tuple(d for d, e in zip(smooth, estimates, strict=True) if not e.known)
    return Derivatives(subject.point[name].shape, directions, known, missing, jumps)


def _jumping(subject: Subject, name: str, cotangents: Arrays, direction: Direction) -> Jumping | None:
    jump = jump_along(subject, name, cotangents, direction)
    if jump is None:
        return None
    return Jumping(direction, jump, *sided_derivatives(subject, name, cotangents, direction, jump))


def jump_along(subject: Subject, name: str, cotangents: Arrays, direction: Direction) -> Jump | None:
    """What the values jump by along one direction; None where they do not."""
    return jump_of(line(subject, name, cotangents, direction.vector), _reach(subject, name, cotangents, direction))


def derivative_along(
    subject: Subject, name: str, cotangents: Arrays, direction: Direction, hand: Array | None
) -> Estimate:
    """The derivative along one direction."""
    reach = _reach(subject, name, cotangents, direction)
    value = line(subject, name, cotangents, direction.vector)
    enough = expected = 0.0
    if hand is not None and hand.shape == direction.vector.shape:
        h = np.asarray(hand, np.float64)
        if np.isfinite(h).all():
            enough, expected = ENOUGH * float(np.abs(h).max()), float(np.vdot(h, direction.vector))
    if not direction.dwarfed:
        return derivative(value, reach, enough, expected)
    near = derivative(value, replace(reach, natural=direction.held), enough, expected)
    if near.error <= max(POOR * abs(near.value), enough):
        return near
    return _nearer(near, derivative(value, reach, enough, expected))


def sided_derivatives(
    subject: Subject, name: str, cotangents: Arrays, direction: Direction, jump: Jump | None = None
) -> tuple[Estimate, Estimate]:
    """The derivatives to the left and to the right; where the values jump, those of what lies on each side."""
    reach = _reach(subject, name, cotangents, direction)
    value = line(subject, name, cotangents, direction.vector)
    value = value if jump is None else jump.continued(value)
    far = sided(value, reach)
    if not direction.dwarfed:
        return far
    near = sided(value, replace(reach, natural=direction.held))
    return _nearer(near[0], far[0]), _nearer(near[1], far[1])


def _nearer(near: Estimate, far: Estimate) -> Estimate:
    """The closer look, unless the other agrees with it and sees more: from afar a function may look like another."""
    return far if not near.known or (far.error < near.error and far.agrees(near)) else near


def _reach(subject: Subject, name: str, cotangents: Arrays, direction: Direction) -> Reach:
    """With the rounding of those outputs that the direction moves at all."""
    unit, start = UNITS[subject.dtype], subject.origin
    lengths = {FIRST_STEP * direction.natural, FIRST_STEP * direction.widest}
    places = [_place(subject, name, sign * t, direction.vector) for t in lengths for sign in (-1, 1)]
    runs = [subject.fast(p) for p in places]
    squares = 0.0
    for n, a in start.items():
        moves = np.logical_or.reduce([run[n] != a for run in runs])
        squares += float(
            np.square(cotangents[n] * np.where(moves & (cotangents[n] != 0), np.asarray(a, np.float64), 0.0)).sum()
        )
    return Reach(direction.natural, direction.widest, unit * direction.held, unit * float(np.sqrt(squares / 3)), unit)


def _place(subject: Subject, name: str, t: float, direction: Array) -> dict[str, Array]:
    origin = subject.point[name]
    return {**subject.point, name: (np.asarray(origin, np.float64) + t * direction).astype(origin.dtype)}


def line(subject: Subject, name: str, cotangents: Arrays, direction: Array) -> Line:
    """t → Σ ⟨cotangent, output⟩ at t along a direction, less its value at 0.

    The outputs are subtracted one by one, before they are summed: what does not change adds no rounding.
    """
    start = {n: np.asarray(a, np.float64) for n, a in subject.origin.items()}

    def value(t: float) -> float:
        found = subject.fast(_place(subject, name, t, direction))
        changes = {n: np.asarray(a, np.float64) - start[n] for n, a in found.items()}
        return float(sum(np.vdot(cotangents[n], np.where(cotangents[n] == 0, 0.0, d)) for n, d in changes.items()))

    return value


def entry_direction(x: Array, index: tuple[int, ...]) -> Direction:
    """One entry."""
    unit = np.zeros(x.shape)
    unit[index] = 1.0
    size, own = _size(x), abs(float(x[index]))
    return Direction(unit, size, max(size, own, 1.0), own)


def _directions(x: Array, hand: Array | None) -> Iterator[Direction]:
    if x.size <= FEW:
        yield from (entry_direction(x, index) for index in np.ndindex(x.shape))
        return
    rng = np.random.default_rng(0)
    yield from (entry_direction(x, index) for index in _selected(x, hand, rng))
    size = _size(x)
    uneven = FINER * float(np.median(np.abs(x[x != 0]) if np.any(x) else 1.0)) < size
    for k in range(RANDOM_DIRECTIONS):
        signs = rng.choice([-1.0, 1.0], x.shape) * rng.uniform(0.5, 1.5, x.shape)
        own = np.where(x == 0, 1.0, np.abs(x) / size)  # leaves a positive number positive
        held = float(np.abs(x).max())
        # From further away than its own size a function of many numbers may look smooth where it is not.
        # Where most entries are dwarfed by a few, a step that suits these would throw all others far away.
        yield Direction(signs * own if k % 2 or uneven else signs, size, size, held, entry=False)


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
