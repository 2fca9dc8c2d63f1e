"""The field guide: one page a mistake, with code that makes it and code that does not."""
