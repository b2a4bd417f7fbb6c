"""Programs that a truth run starts as processes of their own, by the bare interpreter, so that they start quickly."""
