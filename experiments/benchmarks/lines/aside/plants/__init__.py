"""A style a file: its variants and what is planted in them."""
