"""The commands that run at the ends of links."""
