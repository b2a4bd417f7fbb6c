"""The `plctl` commands of whoever plans and reads runs."""
