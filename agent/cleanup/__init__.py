"""Removes what dead owners left behind."""
