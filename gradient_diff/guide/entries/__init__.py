"""What the guide says of each mistake beyond its record: why it is made, where it was met, and code that makes it."""
