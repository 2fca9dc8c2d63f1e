"""How a study runs: described, run, saved, drawn."""
