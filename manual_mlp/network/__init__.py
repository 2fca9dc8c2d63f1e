"""A described network: layers, checks, parameters, evaluation."""
