"""All peers, in the order of the published table."""

from __future__ import annotations

from experiments.benchmarks.detection.peers.arrays import (
    allclose,
    assert_allclose,
    keras_assert_all_close,
    torch_assert_close,
)
from experiments.benchmarks.detection.peers.differences import (
    COURSERA_LIMIT,
    COURSERA_STEP,
    CS231N_STEP,
    SCIPY_LIMIT,
    coursera,
    cs231n,
    scipy_check_grad,
)
from experiments.benchmarks.detection.peers.frameworks import TENSORFLOW_LIMIT, check_grads, compute_gradient, gradcheck
from experiments.benchmarks.detection.peers.peer import Peer

PEERS: tuple[Peer, ...] = (
    Peer("np.allclose", "rtol 1e-5, atol 1e-8", "arrays", allclose),
    Peer("np.testing.assert_allclose", "rtol 1e-7, atol 0", "arrays", assert_allclose),
    Peer("Keras assertAllClose", "rtol 1e-6, atol 1e-6", "arrays", keras_assert_all_close),
    Peer(
        "torch.testing.assert_close",
        "rtol 1.3e-6, atol 1e-5 in float32; both 1e-7 in float64",
        "arrays",
        torch_assert_close,
    ),
    Peer(
        "tf.test.compute_gradient",
        f"step 1/1024; gives no verdict, cut-off here |difference| ≤ {TENSORFLOW_LIMIT:g}",
        "E",
        compute_gradient,
    ),
    Peer(
        "torch.autograd.gradcheck",
        "step 1e-6, rtol 1e-3, atol 1e-5; made for float64, in float32 it warns",
        "E",
        lambda: gradcheck(fast=False),
    ),
    Peer(
        "torch.autograd.gradcheck, fast_mode",
        "the same along one direction",
        "E",
        lambda: gradcheck(fast=True),
    ),
    Peer(
        "jax.test_util.check_grads",
        "step 1e-4, one direction; rtol and atol 2e-3 in float32, 1e-5 in float64",
        "E",
        check_grads,
    ),
    Peer(
        "scipy.optimize.check_grad",
        f"step 1.5e-8, forward; gives no verdict, cut-off here norm ≤ {SCIPY_LIMIT:g}",
        "E",
        scipy_check_grad,
    ),
    Peer(
        "CS231n rule, 1e-7",
        f"step {CS231N_STEP:g}; relative error of any entry ≤ 1e-7, where the notes say to be happy",
        "E",
        lambda: cs231n(1e-7),
    ),
    Peer(
        "CS231n rule, 1e-2",
        f"step {CS231N_STEP:g}; relative error of any entry ≤ 1e-2, above which the notes say it is probably wrong",
        "E",
        lambda: cs231n(1e-2),
    ),
    Peer(
        "Coursera rule",
        f"step {COURSERA_STEP:g}; ‖a − n‖ / (‖a‖ + ‖n‖) ≤ {COURSERA_LIMIT:g}",
        "E",
        coursera,
    ),
)
"""Who is asked, each with the defaults of the version that is installed."""
