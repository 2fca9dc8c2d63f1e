from __future__ import annotations

from experiments.article_c_stages.stages import stages
from manual_mlp import MLP, Dense


def test_the_stages_of_one_layer_in_the_order_of_the_computation() -> None:
    found = stages(MLP(2, [Dense(1, "sigmoid")]))
    assert [(stage.title, stage.kind) for stage in found] == [
        ("forward into layer 2", "forward"),
        ("the cost", "cost"),
        ("δ of layer 2", "delta"),
        ("the gradient of w¹ and b¹", "gradient"),
    ]
