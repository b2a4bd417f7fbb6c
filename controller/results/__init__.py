"""The folder that a run leaves: its record, event log, telemetry and packet logs."""
