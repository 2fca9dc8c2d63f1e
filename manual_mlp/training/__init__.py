"""Repeats the equations and steps."""
