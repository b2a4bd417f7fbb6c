"""One host over ssh: trust, sudo, and what can fail."""
