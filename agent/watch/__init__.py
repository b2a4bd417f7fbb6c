"""Watches the four ends of a link while it runs: what the kernel tells of them, and what it counted there."""
