"""Which host carries which link."""
