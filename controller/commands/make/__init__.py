"""`plctl scenario make`: a module for each kind of model."""
