"""Mistakes planted in derivations as people write them: which line is pointed at?"""
