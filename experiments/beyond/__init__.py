"""What the articles leave open."""
