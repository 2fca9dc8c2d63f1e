"""The part that is kept aside: no rule of the tool was tuned on it."""
