"""Mistakes planted in derivations that users write: does a tool point to the line?"""
