"""A backward function held against the values of its forward function, or against a twin's."""
