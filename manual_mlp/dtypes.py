"""What is known of each dtype that TensorFlow computes in."""

from __future__ import annotations

import math

UNITS = {"float64": 2.0**-53, "float32": 2.0**-24, "float16": 2.0**-11, "bfloat16": 2.0**-8}
"""Unit roundoff u."""

SMALLEST = {"float64": 2.0**-510, "float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}
"""The smallest normal number. For float64 it is the smallest whose square, a variance, can still be computed."""

LOST = {**SMALLEST, "float16": 2.0**-24 / math.sqrt(12)}
"""η, the standard deviation of what a number close to 0 loses when it is stored. TensorFlow flushes what is below the
smallest normal number to zero; but float16 keeps its subnormals (NumPy, TensorFlow eager, graph and XLA on CPUs, and
GPUs), so that what is lost there is a rounding to their grid, 2⁻²⁴ wide."""

SUMS = {"float16": "float32", "bfloat16": "float32"}
"""The dtype in which the terms of a product of 16-bit matrices are added. Measured of NumPy 2.4 (`dot`, `@`) and of
TensorFlow 2.21 (eager, graph, XLA, either operand transposed) on CPUs, n = 16 … 4096, operands of one or both signs:
the result is at most one rounding off, 1.00 u; a loop in float16 is off by 25 u at n = 1024."""
