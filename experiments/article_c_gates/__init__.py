"""Article C, first part: perceptrons, gates, a half adder and XOR."""
