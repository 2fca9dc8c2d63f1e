"""Derivatives from values alone, without TensorFlow."""
