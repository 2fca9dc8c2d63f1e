"""What came out, as data without behaviour."""
