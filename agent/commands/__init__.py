"""The `plctl` commands that work on the machine at hand and need no controller."""
