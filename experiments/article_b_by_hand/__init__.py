"""Article B, first part: a 2-3-2-2 network worked out digit by digit."""
