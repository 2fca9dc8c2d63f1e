"""Peers inside a framework: the hand gradient becomes the backward pass of a function, E its forward pass."""

from __future__ import annotations

import importlib
import warnings
from typing import Any

import numpy as np

from experiments.benchmarks.detection.peers.peer import Check, HandAndTape

TENSORFLOW_LIMIT = 1e-4  # ours: it returns two Jacobians, and tests in TensorFlow itself hold them at 1e-3 to 1e-5


def compute_gradient() -> Check:
    """`tf.test.compute_gradient` of a `tf.custom_gradient`."""
    importlib.import_module("keras_mlp.extend").start_devices()  # quietly
    tf = importlib.import_module("tensorflow")

    def check(question: HandAndTape) -> bool:
        gradients = [tf.constant(g) for g in question.gradients]

        @tf.custom_gradient  # type: ignore[untyped-decorator]  # TensorFlow ships no types
        def energy(*parameters: Any) -> Any:
            value = tf.constant(question.energy(*[p.numpy() for p in parameters]))
            return value, lambda upstream: [upstream * g for g in gradients]

        theory, numbers = tf.test.compute_gradient(energy, [tf.constant(a) for a in question.energy.start])
        pairs = zip(theory, numbers, strict=True)
        return all(float(np.abs(t - n).max(initial=0.0)) <= TENSORFLOW_LIMIT for t, n in pairs)

    return check


def gradcheck(fast: bool) -> Check:
    """`torch.autograd.gradcheck` of a `torch.autograd.Function`."""
    torch = importlib.import_module("torch")

    function: Any = torch.autograd.Function

    class Hand(function):  # type: ignore[misc]  # imported by name, PyTorch has no types
        """E forward, the gradient under test backward."""

        @staticmethod
        def forward(context: Any, question: HandAndTape, *parameters: Any) -> Any:
            context.gradients = question.gradients
            return torch.tensor(question.energy(*[p.detach().numpy() for p in parameters]))

        @staticmethod
        def backward(context: Any, upstream: Any) -> Any:
            return (None, *(upstream * torch.from_numpy(g) for g in context.gradients))

    def check(question: HandAndTape) -> bool:
        parameters = [torch.tensor(a, requires_grad=True) for a in question.energy.start]
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Input #", UserWarning)  # float32: made for float64, it says, and goes on
            warnings.filterwarnings("ignore", "CUDA initialization", UserWarning)  # a GPU build without a GPU
            return bool(torch.autograd.gradcheck(lambda *p: Hand.apply(question, *p), parameters, fast_mode=fast))

    return check


def check_grads() -> Check:
    """`jax.test_util.check_grads` of a `jax.custom_vjp`, backward only: such a function has no forward mode."""
    jax = importlib.import_module("jax")
    test_util = importlib.import_module("jax.test_util")

    def check(question: HandAndTape) -> bool:
        with jax.enable_x64(question.energy.dtype == np.float64):  # otherwise JAX makes float32 of everything
            return _check(jax, test_util, question)

    return check


def _check(jax: Any, test_util: Any, question: HandAndTape) -> bool:
    scalar = jax.ShapeDtypeStruct((), question.energy.dtype)
    gradients = tuple(jax.numpy.asarray(g) for g in question.gradients)

    @jax.custom_vjp  # type: ignore[untyped-decorator]  # imported by name, JAX has no types
    def energy(*parameters: Any) -> Any:
        return jax.pure_callback(question.energy, scalar, *parameters)

    energy.defvjp(
        lambda *parameters: (energy(*parameters), None), lambda _, upstream: tuple(upstream * g for g in gradients)
    )
    parameters = tuple(jax.numpy.asarray(a) for a in question.energy.start)
    test_util.check_grads(energy, parameters, order=1, modes=("rev",))
    return True
