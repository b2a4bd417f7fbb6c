"""How a study stands, for a terminal or without one."""
