"""Simulated agents: hosts that build nothing and report synthetic telemetry."""
