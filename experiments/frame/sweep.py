"""The same of many seeds, in processes of their own: TensorFlow keeps what it has compiled until its process ends.

Some thousand compiled networks use up the memory maps of a process, and TensorFlow then ends it without a word.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeVar

from experiments.frame.kept import Kept

A = TypeVar("A")
T = TypeVar("T")

BLOCK = 100  # items that a process computes before it ends
TRIES = 2  # without a block done


def sweep(
    function: Callable[[A], T],
    items: Sequence[A],
    jobs: int | None = None,
    advance: Callable[[int], object] = lambda done: None,
    pool: Callable[[], Executor] | None = None,
    kept: Kept | None = None,
    block: int = BLOCK,
) -> list[T]:
    """`function` of each item, in their order, whoever computes them; no more than a block are computed here.

    Function and items must be found by name in another process. `jobs` are processes at a time, one a core if None;
    `advance` is told how many more are done; `pool` makes another executor than processes of this machine. What `kept`
    holds of a sweep that was cut off, in blocks of so many, is not computed again.
    """
    if len(items) <= block and pool is None:
        return [_advanced(function(item), advance) for item in items]
    blocks = [items[start : start + block] for start in range(0, len(items), block)]
    done: dict[int, list[T]] = {}
    for i, asked in enumerate(blocks):
        if kept is not None and (before := kept.load(function, asked)) is not None:
            done[i] = before
            advance(len(asked))
    fruitless = 0
    while left := [i for i in range(len(blocks)) if i not in done]:
        if fruitless == TRIES:
            first = blocks[left[0]]
            raise RuntimeError(
                f"A process died {TRIES} times over {first[0]!r} to {first[-1]!r}, and {len(left) - 1} more blocks are "
                "not done. Is there memory for so many? Fewer --jobs need less."
            )
        fruitless += 1
        for i, results in _tried(function, blocks, left, pool or (lambda: _processes(jobs))):
            done[i] = kept.save(function, blocks[i], results) if kept is not None else results
            fruitless = 0
            advance(len(blocks[i]))
    return [result for i in range(len(blocks)) for result in done[i]]


def _advanced(result: T, advance: Callable[[int], object]) -> T:
    advance(1)
    return result


def _processes(jobs: int | None) -> Executor:
    """Each process ends after its block; `spawn`, since TensorFlow does not survive a fork."""
    return ProcessPoolExecutor(jobs or os.cpu_count(), mp_context=get_context("spawn"), max_tasks_per_child=1)


def _tried(
    function: Callable[[A], T], blocks: Sequence[Sequence[A]], left: Sequence[int], pool: Callable[[], Executor]
) -> Iterator[tuple[int, list[T]]]:
    """These blocks as they are done; what a process that died leaves undone stays undone."""
    with pool() as executor:
        try:
            waiting: dict[Future[list[T]], int] = {executor.submit(_block, function, blocks[i]): i for i in left}
            for future in as_completed(waiting):
                yield waiting[future], future.result()
        except BrokenProcessPool:
            return
        except BaseException:
            executor.shutdown(cancel_futures=True)
            raise


def _block(function: Callable[[A], T], items: Sequence[A]) -> list[T]:
    return [function(item) for item in items]
