"""One run on this host: its state machine, and what carries out its decisions."""
