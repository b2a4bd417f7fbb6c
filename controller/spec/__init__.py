"""Run specs: from YAML to a validated request, with errors that say where."""
