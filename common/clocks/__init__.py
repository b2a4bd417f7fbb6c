"""How far apart clocks are, with bounds: exchanges between hosts, and what their time daemons promise."""
