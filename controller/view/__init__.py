"""Looking at runs, here or at a controller: live, as a log, or as a summary."""
