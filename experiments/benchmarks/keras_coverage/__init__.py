"""Whether check_gradients can be had of everything that the installed Keras exports."""
