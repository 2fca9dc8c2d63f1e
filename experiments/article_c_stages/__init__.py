"""Article C, second part: a 2-3-3-2 network drawn stage by stage, and its three slips."""
