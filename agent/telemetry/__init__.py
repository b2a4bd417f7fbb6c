"""Reads at set times what links and their sockets do."""
