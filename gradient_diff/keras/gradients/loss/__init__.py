"""What a user may call a loss, and E as the tape differentiates it."""
