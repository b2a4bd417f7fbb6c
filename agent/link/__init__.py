"""Links that somebody builds, uses and removes by hand: `plctl link`."""
