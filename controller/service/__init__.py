"""The controller as a daemon: many runs, many clients."""
