"""Writing scenarios to files: a writer a format, each of which says what its format cannot express."""
