"""What is known of each dtype that TensorFlow computes in."""

from __future__ import annotations

UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoff u."""

SMALLEST = {"float64": 2.0**-510, "float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}
"""η, the smallest normal number: TensorFlow flushes what is below it to zero. For float64 it is the smallest whose
square, a variance, can still be computed."""
