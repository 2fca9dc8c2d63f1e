"""Article A: a 1-5-5-5-1 network learns sin(x)."""
