"""Derivations that share nothing with the engine; tests use them, too."""
