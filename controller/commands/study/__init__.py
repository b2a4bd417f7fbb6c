"""`plctl study`: a module for each group of its commands."""
