"""The gradients of a Keras model, held against a derivation."""
