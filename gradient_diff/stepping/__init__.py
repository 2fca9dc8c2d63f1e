"""One step of somebody's training code, held against a reference."""
