"""Scenarios: the time-varying description of a path, and how files become one."""
