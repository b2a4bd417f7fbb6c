"""What a study asks for and which run is next: levels, cells, seeds, digests, order; pure but for reading specs."""
