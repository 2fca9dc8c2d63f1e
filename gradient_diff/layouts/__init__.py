"""In which layout arrays come, recognised by shape and value, and how to undo it."""
