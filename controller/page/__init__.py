"""The live page: files for a browser, served as they are, without a build step (static/)."""
