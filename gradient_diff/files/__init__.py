"""Gradients from files, and their names: `.npz`, `.safetensors`, `.h5` and `.weights.h5`; nothing is ever unpickled."""
