"""One run: from its plans to its folder."""
