"""Commands that put agents on hosts."""
