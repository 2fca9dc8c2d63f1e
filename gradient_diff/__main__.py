"""`python -m gradient_diff` is `gradient-diff`."""

from gradient_diff.cli import main

main()
