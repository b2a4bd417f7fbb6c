"""The faults, each a small class: how it is begun and undone, and what a run may become that it meets."""
