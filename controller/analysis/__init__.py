"""What runs and studies say, as tables for notebooks and for reports: `plctl.results` re-exports it."""
