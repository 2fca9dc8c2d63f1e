"""Peers that hold two arrays side by side: each parameter's gradient against the tape's."""

from __future__ import annotations

import importlib

import numpy as np

from experiments.benchmarks.detection.peers.peer import Check, HandAndTape


def allclose() -> Check:
    """`np.allclose`."""
    return lambda question: all(np.allclose(hand, reference) for hand, reference in question.pairs)


def assert_allclose() -> Check:
    """`np.testing.assert_allclose`."""

    def check(question: HandAndTape) -> bool:
        for hand, reference in question.pairs:
            np.testing.assert_allclose(hand, reference)
        return True

    return check


def keras_assert_all_close() -> Check:
    """`keras.src.testing.TestCase.assertAllClose`, with which Keras tests itself."""
    importlib.import_module("keras_mlp.extend").start_devices()  # quietly
    case = importlib.import_module("keras.src.testing").TestCase()

    def check(question: HandAndTape) -> bool:
        for hand, reference in question.pairs:
            case.assertAllClose(hand, reference)
        return True

    return check


def torch_assert_close() -> Check:
    """`torch.testing.assert_close`."""
    torch = importlib.import_module("torch")

    def check(question: HandAndTape) -> bool:
        for hand, reference in question.pairs:
            torch.testing.assert_close(torch.from_numpy(hand), torch.from_numpy(reference))
        return True

    return check
