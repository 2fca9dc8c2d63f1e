"""Where the gradient fades with depth."""
