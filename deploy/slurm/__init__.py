"""Agents as jobs of a Slurm cluster."""
