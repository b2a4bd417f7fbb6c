"""Scenarios out of orbits: constellations, ground stations, the paths between them over time, and their map."""
