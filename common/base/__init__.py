"""What every other module may use: errors, units, the clock, the log, and files that are read or written whole."""
