"""Scenarios out of models (constant, waves, walks, chains, a cellular drive), each seeded and with its source."""
