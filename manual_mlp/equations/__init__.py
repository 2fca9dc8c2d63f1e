"""What an equation is made of: value, derivative, formula, rounding."""
