"""Another E or another forward pass, of which a hand is the gradient."""
