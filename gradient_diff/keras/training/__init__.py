"""Both twins trained side by side."""
