"""Somebody's code in a file: loaded, called, and where it is not trusted, in a process of its own."""
