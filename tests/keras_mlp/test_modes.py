from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from keras_mlp.modes import check_mode, in_mode


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_the_same_code_runs_in_every_mode(mode: Any) -> None:
    seen: list[bool] = []

    def function() -> dict[str, Any]:
        seen.append(tf.executing_eagerly())
        return {"twice": 2 * tf.constant(3.0)}

    assert float(in_mode(function, mode)["twice"]) == 6
    assert seen == [mode == "eager"]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Unknown mode 'lazy': expected eager, graph, xla\.$"):
        check_mode("lazy")
