"""The `plctl` command: its root, and what its subcommands share."""
