from __future__ import annotations

from typing import Any

import pytest
import tensorflow as tf

from keras_mlp.modes import check_mode, in_mode, made_for


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_the_same_code_runs_in_every_mode(mode: Any) -> None:
    seen: list[bool] = []

    def function() -> dict[str, Any]:
        seen.append(tf.executing_eagerly())
        return {"twice": 2 * tf.constant(3.0)}

    assert float(in_mode(function, mode)["twice"]) == 6
    assert seen == [mode == "eager"]


@pytest.mark.parametrize("mode", ["eager", "graph", "xla"])
def test_what_is_built_once_reads_variables_where_they_stand_at_the_call(mode: Any) -> None:
    state = tf.Variable(1.0)
    read = made_for(lambda: {"now": state + 1}, mode)
    assert float(read()["now"]) == 2
    state.assign(5.0)
    assert float(read()["now"]) == 6


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^Unknown mode 'lazy': expected eager, graph, xla\.$"):
        check_mode("lazy")
