"""Making a mistake on purpose, in the equations of the network."""
