"""What was planted in each style, as data; a module a style."""
