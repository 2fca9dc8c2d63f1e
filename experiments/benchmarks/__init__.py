"""What the tables of docs/measured are measured by."""
