"""What the README's tables are measured by."""
