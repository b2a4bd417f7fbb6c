"""Who may connect: keys, the allow-list, and how both are made."""
