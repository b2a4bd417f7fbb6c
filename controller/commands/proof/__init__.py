"""The commands `plctl bundle`, `verify` and `rerun`: what a reviewer needs."""
