"""The command line: a file per command."""

from gradient_diff.cli.app import app, main

__all__ = ["app", "main"]
