"""Who may look at the page, from where, and over which connection."""
