"""What a controller cannot be without, as one file, and back: its journal, its keys, and on request its runs."""
