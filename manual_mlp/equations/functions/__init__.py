"""The activation functions: value, derivative, formula and rounding side by side, a file per family."""
