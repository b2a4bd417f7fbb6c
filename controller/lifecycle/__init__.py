"""The course of a run as a pure state machine: events in, instructions out."""
