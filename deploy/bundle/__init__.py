"""What is copied to hosts: plctl and all that it imports, in one archive."""
