"""The mistakes that are known, by family."""
