"""Article E: a network with dropout on MNIST."""
