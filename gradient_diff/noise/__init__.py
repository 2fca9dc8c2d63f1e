"""How much rounding to expect, and from whom that is known."""
