"""What the page shows, wherever it is: one interface over folders, a run of this process, and a controller."""
