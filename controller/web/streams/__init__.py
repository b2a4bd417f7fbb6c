"""What is sent to browsers as it happens: bounded for each reader, however slow it is."""
