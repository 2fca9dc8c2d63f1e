import manual_mlp

PUBLIC = [
    "ACTIVATIONS",
    "ALIASES",
    "EPSILON",
    "GATE",
    "INITIALIZERS",
    "LOSSES",
    "MLP",
    "MORE_DRAWS",
    "SGD",
    "UNITS",
    "Activate",
    "Activation",
    "ActivationFunction",
    "Adam",
    "Dense",
    "Dropout",
    "Equation",
    "Evaluation",
    "History",
    "Layer",
    "Local",
    "Loss",
    "LossFunction",
    "LossGradient",
    "LossValue",
    "Multiply",
    "Noise",
    "Operation",
    "Optimizer",
    "Problem",
    "Product",
    "Progress",
    "Pullback",
    "RMSprop",
    "Shape",
    "ShapeError",
    "SumOverBatch",
    "activation",
    "as_loss",
    "check_parameters",
    "evaluate",
    "evaluation_of",
    "generator",
    "gradient_node",
    "infer_shapes",
    "initializer",
    "linear",
    "load_parameters",
    "local_distance",
    "on_branch",
    "relu",
    "rounding_noise",
    "save_parameters",
    "sigmoid",
    "softmax",
    "step",
    "symbol",
    "tanh",
    "train",
    "update_bound",
]


def test_the_public_names() -> None:
    assert manual_mlp.__all__ == PUBLIC


def kind(name: str) -> int:
    return 0 if name.isupper() else 1 if name[0].isupper() else 2


def test_they_are_sorted_constants_classes_functions() -> None:
    assert sorted(PUBLIC, key=lambda name: (kind(name), name)) == PUBLIC


def test_each_exists_and_is_documented() -> None:
    for name in PUBLIC:
        thing = getattr(manual_mlp, name)
        assert not callable(thing) or thing.__doc__, name
