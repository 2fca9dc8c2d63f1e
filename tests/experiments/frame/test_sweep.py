"""A sweep gives the same whoever computes it; a process that dies costs its block, and is told if it dies again."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import pytest

from experiments.frame.sweep import sweep


def _square(n: int) -> tuple[int, int]:
    return n * n, os.getpid()


def _dies(folder: str, times: int, n: int) -> int:
    """Of one item its process ends without a word, so many times."""
    if n == 3:
        marks = Path(folder)
        if len(list(marks.iterdir())) < times:
            (marks / str(os.getpid())).touch()
            os._exit(1)
    return -n


def _refuses(n: int) -> int:
    if n == 3:
        raise ValueError("three")
    return n


def test_few_are_computed_here() -> None:
    seen: list[int] = []
    found = sweep(_square, range(5), advance=seen.append)
    assert found == [(n * n, os.getpid()) for n in range(5)]
    assert seen == [1] * 5


@pytest.mark.parametrize("jobs", [1, 2])
def test_many_are_computed_by_processes_that_end_and_in_order(jobs: int) -> None:
    seen: list[int] = []
    found = sweep(_square, range(8), jobs, seen.append, block=3)
    assert [value for value, _ in found] == [n * n for n in range(8)]
    processes = [pid for _, pid in found]
    assert len(set(processes)) == 3
    assert os.getpid() not in processes
    assert sorted(seen) == [2, 3, 3]


def test_any_executor_may_compute_them() -> None:
    assert sweep(_square, range(7), pool=ThreadPoolExecutor, block=3) == [(n * n, os.getpid()) for n in range(7)]


def test_a_block_whose_process_died_is_computed_again(tmp_path: Path) -> None:
    assert sweep(partial(_dies, str(tmp_path), 1), range(6), 2, block=2) == [-n for n in range(6)]


def test_a_process_that_dies_again_is_told(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError, match=r"A process died 2 times over \d to \d, and \d more blocks"):
        sweep(partial(_dies, str(tmp_path), 9), range(6), 1, block=2)


def test_an_exception_of_the_function_is_its_own() -> None:
    with pytest.raises(ValueError, match="three"):
        sweep(_refuses, range(6), 2, block=2)
