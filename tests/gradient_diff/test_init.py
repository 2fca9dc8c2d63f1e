import gradient_diff

PUBLIC = [
    "CONVENTIONS",
    "MISTAKES",
    "Called",
    "Cause",
    "Entry",
    "GradientDiff",
    "GradientMismatch",
    "Kink",
    "Ledger",
    "LedgerLine",
    "Meaning",
    "Metrics",
    "Mistake",
    "Row",
    "ShapeExplanation",
    "Slip",
    "Smallest",
    "Status",
    "assert_gradients_match",
    "call_derivation",
    "checked_array",
    "compare",
    "cut_down",
    "diagnose",
    "directional_derivative",
    "drawn_noise",
    "explain_shapes",
    "gravest",
    "kink_positions",
    "kinks",
    "ledger",
    "live_ledger",
    "measure",
    "measured_noise",
    "read_gradients",
    "relative_noise",
    "smallest_case",
]


def test_the_public_names_are_these() -> None:
    assert gradient_diff.__all__ == PUBLIC
    assert all(hasattr(gradient_diff, name) for name in PUBLIC)


def test_each_public_class_and_function_is_documented() -> None:
    silent = [n for n in PUBLIC if callable(getattr(gradient_diff, n)) and not getattr(gradient_diff, n).__doc__]
    assert silent == []
