"""From two arrays to a status."""
