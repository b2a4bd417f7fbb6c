"""Takes a request through a run, on this machine or at a controller."""
