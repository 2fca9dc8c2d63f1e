"""Article B, second part: the image network, its accuracy in batches and what batches save."""
