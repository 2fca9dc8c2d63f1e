"""Custom gradients and layers, held against a twin or against numerical differences."""
