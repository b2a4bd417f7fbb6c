"""Reading scenarios from files: one reader a format, and one function that chooses among them."""
