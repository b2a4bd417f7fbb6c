"""What a controller's own machine has of `plctl controller` besides serving."""
