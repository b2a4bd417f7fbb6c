"""Packet logs in figures and plots."""
