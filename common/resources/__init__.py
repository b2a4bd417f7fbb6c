"""What a link takes of its host."""
