"""Checks what a run's folder says: by its digests, by arithmetic and by the reference model; trusts nothing else."""
