"""Commands and options of the page."""
