"""Is the predicted rounding right?"""
