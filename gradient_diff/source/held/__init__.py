"""What a training step holds: weights and gradients found in somebody's objects, and everything put back."""
