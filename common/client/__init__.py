"""A user's connection to a controller: where it is, and one request at a time."""
