from __future__ import annotations

import numpy as np

from experiments.students.small_nets import small_net


def test_a_net_is_the_same_in_either_dtype() -> None:
    fine, coarse = small_net(1), small_net(1, "float32")
    assert (fine.dtype.name, coarse.dtype.name) == ("float64", "float32")
    assert (fine.mlp, fine.loss) == (coarse.mlp, coarse.loss)
    np.testing.assert_array_equal(fine.x.astype("float32"), coarse.x)
