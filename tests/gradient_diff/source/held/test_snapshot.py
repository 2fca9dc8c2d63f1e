"""Everything that a step can get at is put back as it was, in place, bit for bit."""

from __future__ import annotations

import random
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from gradient_diff.source.held import snapshot as module
from gradient_diff.source.held.snapshot import Snapshot

COUNT = 0
LIST: list[int] = [1]


class Net:
    steps = 0
    history: list[float] = []  # noqa: RUF012  (shared by mistake, as people do it)

    def __init__(self) -> None:
        self.w = np.array([[1.0, np.nan], [3.0, -0.0]])
        self.theta = np.arange(4.0)
        self.view = self.theta[1:3]
        self.list = [self.w, 1.0, [2.0, 3.0]]
        self.dict = OrderedDict(a=self.w, b={"c": 1})
        self.sums = defaultdict(float, x=1.0)
        self.tuple = (np.ones(2), [1.0])
        self.deque, self.set, self.bytes = deque([1, 2], maxlen=2), {1, 2}, bytearray(b"ab")
        self.inner = SimpleNamespace(n=1, gone=2)
        self.rng, self.old_rng, self.python_rng = np.random.default_rng(0), np.random.RandomState(0), random.Random(0)
        self.masked = np.ma.array([1.0, 2.0], mask=[True, False])
        self.me = self


def _everything(net: Net) -> None:
    global COUNT  # noqa: PLW0603  (as scripts do it)
    COUNT += 1
    LIST.append(COUNT)
    Net.steps += 1
    Net.history.append(1.0)
    Net.extra = 1  # type: ignore[attr-defined]  # as people do it
    net.w *= 2
    net.view[:] = -1
    net.list[2].append(4.0)  # type: ignore[attr-defined]  # a list
    net.list[0] = np.zeros(1)
    net.list.pop()
    net.dict.move_to_end("a")
    net.dict["b"]["c"] = 2  # type: ignore[index]  # a dict
    net.dict["new"] = net.w
    _ = net.sums["y"]
    net.tuple[0][:] = 5
    net.tuple[1].append(2.0)
    net.deque.append(3)
    net.set.add(3)
    net.bytes.extend(b"c")
    del net.inner.gone
    net.inner.n = 2
    net.rng.normal(), net.old_rng.normal(), net.python_rng.random()
    np.random.normal(), random.random()  # noqa: NPY002  (the same)
    net.masked[1] = np.ma.masked
    net.theta = np.zeros(9)
    del net.set


def _deep(value: Any, seen: dict[int, int]) -> Any:
    """What a thing is down to its bits, and which things in it are the same one."""
    if id(value) in seen:
        return "seen", seen[id(value)]
    if isinstance(value, int | float | str | bytes | type(None)):
        return repr(value)
    seen[id(value)] = len(seen)
    if isinstance(value, np.ma.MaskedArray):
        return value.data.tobytes(), value.mask.tobytes()
    if isinstance(value, np.ndarray):
        return value.shape, value.dtype.str, value.tobytes()
    if isinstance(value, dict):
        return type(value), [(k, _deep(v, seen)) for k, v in value.items()]
    if isinstance(value, list | tuple | deque):
        return type(value), [_deep(v, seen) for v in value]
    if isinstance(value, np.random.Generator):
        return repr(value.bit_generator.state)
    if isinstance(value, np.random.RandomState):
        return repr(value.get_state(legacy=False))
    if isinstance(value, random.Random):
        return repr(value.getstate())
    if isinstance(value, set | bytearray):
        return sorted(value)
    return type(value), _deep(vars(value), seen)


def _state(net: Net) -> Any:
    outside = COUNT, list(LIST), Net.steps, list(Net.history), hasattr(Net, "extra")
    drawn = repr(np.random.get_state(legacy=False)), repr(random.getstate())  # noqa: NPY002
    return _deep(net, {}), outside, drawn


def _step(net: Net) -> Callable[[], None]:
    return lambda: _everything(net)


def test_everything_is_put_back() -> None:
    net = Net()
    held = {name: id(value) for name, value in vars(net).items()}
    before, kept = _state(net), Snapshot.of(_step(net))
    _everything(net)
    assert _state(net) != before
    kept.restore()
    assert _state(net) == before
    assert {name: id(value) for name, value in vars(net).items()} == held
    assert kept.unseen == ()


@pytest.mark.parametrize("forgotten", ["_array", "_dict", "_list", "_refilled", "_function", "_class", "_state"])
def test_what_is_not_kept_would_be_seen(forgotten: str, monkeypatch: pytest.MonkeyPatch) -> None:
    net = Net()
    whole = Snapshot.of(_step(net))
    nothing: Any = {"_function": lambda *_: iter(()), "_class": lambda *_: iter(())}.get(forgotten)
    monkeypatch.setattr(module, forgotten, nothing or (lambda *_: lambda: None))
    before, kept = _state(net), Snapshot.of(_step(net))
    _everything(net)
    kept.restore()
    assert _state(net) != before
    whole.restore()
    assert _state(net) == before


def test_a_closure_and_a_default_are_put_back() -> None:
    count, w = 0, np.ones(2)

    def step(seen: list[int] = []) -> None:  # noqa: B006  (as people do it)
        nonlocal count, w
        count += 1
        w = w - 1
        seen.append(count)
        step.calls = count  # type: ignore[attr-defined]  # as people do it

    kept = Snapshot.of(step)
    step()
    kept.restore()
    assert (count, w.tolist(), step.__defaults__, vars(step)) == (0, [1, 1], ([],), {})


def test_a_deleted_variable_of_a_closure_comes_back() -> None:
    w = np.ones(1)

    def step() -> None:
        nonlocal w
        del w

    kept = Snapshot.of(step)
    step()
    kept.restore()
    assert w.tolist() == [1]


class Slotted:
    __slots__ = ("added", "w")

    def __init__(self) -> None:
        self.w = 1.0

    def step(self) -> None:
        self.added = 2.0
        del self.w


def test_slots_are_put_back() -> None:
    thing = Slotted()
    kept = Snapshot.of(thing.step)
    thing.step()
    kept.restore()
    assert (thing.w, hasattr(thing, "added")) == (1.0, False)


def test_a_resized_and_a_reshaped_array_come_back() -> None:
    a, b = np.arange(4.0), np.arange(4.0)
    kept = Snapshot.of(lambda: (a, b))
    a.resize(2, refcheck=False)
    b.shape = (2, 2)
    kept.restore()
    assert (a.tolist(), b.tolist()) == ([0, 1, 2, 3], [0, 1, 2, 3])


def test_what_a_view_is_cut_from_is_put_back_too() -> None:
    view = np.arange(4.0)[1:3]

    def step() -> None:
        view.base[:] = 9  # type: ignore[index]  # an array

    kept = Snapshot.of(step)
    step()
    kept.restore()
    assert view.base is not None
    assert np.asarray(view.base).tolist() == [0, 1, 2, 3]


def test_a_data_set_is_copied_once_and_put_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_NUMBERS", 3)
    data, large = np.arange(4.0), {}  # type: ignore[var-annotated]  # as it is filled
    for _ in range(2):
        kept = Snapshot.of(lambda: data, large)
        data[1] = np.nan
        kept.restore()
        assert data.tolist() == [0, 1, 2, 3]
    assert len(large) == 1


def test_what_a_library_holds_is_named() -> None:
    net = SimpleNamespace(w=np.ones(1), draws=iter([1, 2]))
    assert Snapshot.of(lambda: net).unseen == ("net.draws (list_iterator)",)
