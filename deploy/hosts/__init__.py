"""Deployment to hosts: what is there, what to change, and what became of it."""
