"""The shapes of a derivation, equation by equation."""
