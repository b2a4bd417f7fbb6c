"""Puts agents on hosts (empty until `plctl deploy` exists)."""
